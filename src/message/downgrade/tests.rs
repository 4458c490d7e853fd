//! Conversions, read back by an independent MIME parser.

use super::super::intake;
use super::*;
use mail_parser::{MessageParser, MimeHeaders};

fn converted(text: &[u8]) -> Result<Vec<u8>, DowngradeError> {
    let directory = tempfile::tempdir().unwrap();
    let message = intake::take(text, directory.path()).unwrap();
    let converted = to_seven_bit(&message, Limits { header: 1 << 20, memory: 16 }, directory.path())?;
    assert_eq!(converted.digest, message.digest);
    assert!(!converted.is_eight_bit());
    Ok(octets(&converted))
}

fn octets(message: &Message) -> Vec<u8> {
    let (mut reader, mut whole, mut chunk) = (message.octets(), Vec::new(), Vec::new());
    while reader.next_chunk(&mut chunk, 4096).unwrap() {
        whole.extend_from_slice(&chunk);
    }
    assert_eq!(whole.len() as u64, message.len());
    whole
}

/// What a reader shows of every part.
fn shown(text: &[u8]) -> Vec<Vec<u8>> {
    let message = MessageParser::new().parse(text).unwrap();
    let parts = message.parts.iter().filter(|part| !part.is_multipart());
    let mut shown: Vec<Vec<u8>> = parts
        .map(|part| match &part.body {
            mail_parser::PartType::Message(inner) => {
                inner.parts.iter().flat_map(|part| part.contents().to_vec()).collect()
            }
            _ => part.contents().to_vec(),
        })
        .collect();
    shown.push(message.subject().unwrap_or_default().as_bytes().to_vec());
    shown.extend(message.attachments().filter_map(|part| part.attachment_name()).map(|name| name.as_bytes().to_vec()));
    shown
}

const MIXED: &str = "From: a@x.example\r\nSubject: Grüße\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=\"b 1\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
    Präambel\r\n--b 1\r\nContent-Type: multipart/alternative; boundary=b2\r\n\r\n\
    --b2\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
    Grüße = Gruß \r\n.\r\nFrom here\r\n\r\n--b2\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>ASCII only\r\n--b2--\r\n\
    --b 1 \r\nContent-Type: application/octet-stream; name=\"Übersicht.bin\"\r\nContent-Transfer-Encoding: binary\r\n\
    Content-Disposition: attachment; filename=\"Übersicht.bin\"\r\n\r\n\
    ü\r\n\r\n--b 1\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
    Subject: inner ü\r\nContent-Type: text/plain; charset=utf-8\r\n\r\ninnen ü\r\n--b 1--\r\nNachtrag ü\r\n";

#[test]
fn each_part_is_converted_and_reads_as_before() {
    let after = converted(MIXED.as_bytes()).unwrap();
    assert_eq!(shown(&after), shown(MIXED.as_bytes()), "{}", String::from_utf8_lossy(&after));
    let text = String::from_utf8(after).unwrap();
    assert!(text.contains("\r\n<p>ASCII only\r\n--b2--\r\n--b 1 \r\n"), "what is 7-bit stays: {text}");
    assert!(text.contains("Gr=C3=BC=C3=9Fe =3D Gru=C3=9F=20\r\n.\r\nFrom here\r\n\r\n--b2\r\n"), "{text}");
    assert!(!text.contains("8bit"), "{text}");
}

#[test]
fn a_message_without_mime_is_declared_as_what_it_is() {
    let rows: &[(&[u8], &str)] = &[
        (
            "Subject: x\r\n\r\nGrüße, und noch mehr Text\r\n".as_bytes(),
            "Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\nMIME-Version: 1.0\r\n\r\nGr=C3=BC=C3=9Fe, und noch mehr Text\r\n",
        ),
        (
            b"Subject: x\r\n\r\nGr\xfc\xdfe, lang genug\r\n",
            "Subject: x\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\nMIME-Version: 1.0\r\n\r\nGr=FC=DFe, lang genug\r\n",
        ),
        (
            "Subject: x\r\n\r\n日本\r\n".as_bytes(),
            "Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\nMIME-Version: 1.0\r\n\r\n5pel5pysDQo=\r\n",
        ),
        ("Subject: ü\r\n\r\nASCII\r\n".as_bytes(), "Subject: =?utf-8?Q?=C3=BC?=\r\n\r\nASCII\r\n"),
    ];
    for (before, after) in rows {
        assert_eq!(String::from_utf8(converted(before).unwrap()).unwrap(), *after);
    }
}

#[test]
fn signed_and_encrypted_parts_are_refused_if_they_are_not_seven_bit_and_left_alone_if_they_are() {
    for kind in ["signed", "encrypted"] {
        let message = |inside: &str, outside: &str| {
            format!(
                "Subject: {outside}\r\nContent-Type: multipart/{kind}; boundary=b\r\n\r\n--b\r\n\
                 Content-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{inside}\r\n--b\r\n\r\nsignature\r\n--b--\r\n"
            )
        };
        let refused = converted(message("ü", "x").as_bytes()).unwrap_err();
        assert!(matches!(refused, DowngradeError::Impossible(Obstacle::Sealed)), "{refused}");
        let kept = converted(message("ASCII", "ü").as_bytes()).unwrap();
        assert_eq!(String::from_utf8(kept).unwrap(), message("ASCII", "=?utf-8?Q?=C3=BC?="));
    }
}

#[test]
fn parts_that_may_not_be_encoded_are_refused() {
    for content_type in
        ["message/delivery-status", "multipart/mixed", "application/pdf\r\nContent-Transfer-Encoding: base64"]
    {
        let refused = converted(format!("Content-Type: {content_type}\r\n\r\nü\r\n").as_bytes()).unwrap_err();
        assert!(matches!(refused, DowngradeError::Impossible(Obstacle::NotEncodable)), "{content_type}: {refused}");
    }
}

#[test]
fn raw_octets_in_quoted_printable_are_mended() {
    let header = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
    let after = converted(format!("{header}a=3Dü=\r\nb\r\n").as_bytes()).unwrap();
    assert_eq!(String::from_utf8(after).unwrap(), format!("{header}a=3D=C3=BC=\r\nb\r\n"));
}

#[test]
fn long_lines_and_nesting_are_bounded() {
    let text = format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{}\r\n", "ü lang ".repeat(100_000));
    let after = converted(text.as_bytes()).unwrap();
    assert!(after.split(|octet| *octet == b'\n').all(|line| line.len() <= 77));
    assert_eq!(shown(&after), shown(text.as_bytes()));
    let mut nested = "Subject: ü\r\n".to_owned();
    for depth in 0..100 {
        nested += &format!("Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\n");
    }
    assert!(matches!(converted(nested.as_bytes()), Err(DowngradeError::Impossible(Obstacle::Structure))));
    let digest = "Content-Type: multipart/digest; boundary=b\r\nSubject: ü\r\n\r\n--b\r\n\r\nno header\r\n--b\r\n\r\nA: ü\r\n\r\nx\r\n--b--\r\n";
    converted(digest.as_bytes()).unwrap();
    let many = format!("Subject: ü\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{}", "--b\r\n".repeat(20_000));
    assert!(matches!(converted(many.as_bytes()), Err(DowngradeError::Impossible(Obstacle::Structure))));
}

#[test]
fn a_seven_bit_message_stays_as_it_is() {
    let text = b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n";
    assert_eq!(converted(text).unwrap(), text);
}
