//! Every stage x everything a server can answer or not answer there, in every mode that its extensions allow.

use super::player::{self, Setup, message};
use super::script::{AUTH, Script, Step, stuffed};
use sendvia::verdict::Stage;

/// How the transaction is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Lockstep,
    ChunkInLockstep,
    Pipelined,
    OneFlight,
}

const MODES: [Mode; 4] = [Mode::Lockstep, Mode::ChunkInLockstep, Mode::Pipelined, Mode::OneFlight];
const STAGES: [Stage; 7] =
    [Stage::Banner, Stage::Ehlo, Stage::Auth, Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Final];

/// What the server does instead of its good reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Another reply than usual, but a good one.
    Other2yz,
    Transient,
    Permanent,
    Closing421,
    /// A reply of the class that means "go on" where nothing can go on, and "done" where nothing was done.
    WrongClass,
    Nonsense,
    Silence,
    Close,
    CloseInHalf,
}

const FAULTS: [Fault; 9] = [
    Fault::Other2yz,
    Fault::Transient,
    Fault::Permanent,
    Fault::Closing421,
    Fault::WrongClass,
    Fault::Nonsense,
    Fault::Silence,
    Fault::Close,
    Fault::CloseInHalf,
];

/// A flight of the client's and the replies to it, each with its stage.
struct Turn {
    heard: Vec<u8>,
    replies: Vec<(Stage, &'static str)>,
}

fn turns(mode: Mode) -> Vec<Turn> {
    let message = message(&Setup::default());
    let (mail, rcpt) = ("MAIL FROM:<anna@x.example>\r\n", "RCPT TO:<b@x.example>\r\n");
    let chunk = [format!("BDAT {} LAST\r\n", message.len()).as_bytes(), &message].concat();
    let turn =
        |heard: &[u8], replies: &[(Stage, &'static str)]| Turn { heard: heard.to_vec(), replies: replies.into() };
    let (is_mail, is_rcpt, is_final) = ((Stage::Mail, "250 "), (Stage::Rcpt, "250 "), (Stage::Final, "250 "));
    let is_data = (Stage::Data, "354 ");
    let flight = [mail.as_bytes(), rcpt.as_bytes()].concat();
    let mut turns = vec![
        turn(b"", &[(Stage::Banner, "220 ")]),
        turn(b"EHLO client.example\r\n", &[(Stage::Ehlo, offers(mode))]),
        turn(AUTH, &[(Stage::Auth, "235 ")]),
    ];
    turns.extend(match mode {
        Mode::Lockstep => vec![
            turn(mail.as_bytes(), &[is_mail]),
            turn(rcpt.as_bytes(), &[is_rcpt]),
            turn(b"DATA\r\n", &[is_data]),
            turn(&stuffed(&message), &[is_final]),
        ],
        Mode::ChunkInLockstep => {
            vec![turn(mail.as_bytes(), &[is_mail]), turn(rcpt.as_bytes(), &[is_rcpt]), turn(&chunk, &[is_final])]
        }
        Mode::Pipelined => vec![
            turn(&[&flight[..], b"DATA\r\n"].concat(), &[is_mail, is_rcpt, is_data]),
            turn(&stuffed(&message), &[is_final]),
        ],
        Mode::OneFlight => vec![turn(&[&flight[..], &chunk].concat(), &[is_mail, is_rcpt, is_final])],
    });
    turns
}

fn offers(mode: Mode) -> &'static str {
    match mode {
        Mode::Lockstep => "250-x.example\r\n250 AUTH PLAIN",
        Mode::ChunkInLockstep => "250-x.example\r\n250-CHUNKING\r\n250 AUTH PLAIN",
        Mode::Pipelined => "250-x.example\r\n250-PIPELINING\r\n250 AUTH PLAIN",
        Mode::OneFlight => "250-x.example\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 AUTH PLAIN",
    }
}

/// The dialogue with a fault at one stage; what the server says to the rest of the same flight is what servers say.
fn script(mode: Mode, at: Stage, fault: Fault) -> Option<Script> {
    let turns = turns(mode);
    let place = turns.iter().position(|turn| turn.replies.iter().any(|(stage, _)| *stage == at))?;
    let mut steps = Vec::new();
    for turn in &turns[..place] {
        push(&mut steps, turn, turn.replies.iter().map(|(_, reply)| format!("{reply}\r\n")).collect());
    }
    let (mut said, mut is_past) = (String::new(), false);
    for (stage, reply) in &turns[place].replies {
        match (*stage == at, is_past) {
            (true, _) => said.push_str(&in_place(fault, at, reply)),
            (false, false) => said.push_str(&format!("{reply}\r\n")),
            (false, true) => said.push_str(&behind(fault, at, *stage, reply)),
        }
        is_past |= *stage == at;
    }
    push(&mut steps, &turns[place], said);
    if fault == Fault::Other2yz {
        for turn in &turns[place + 1..] {
            push(&mut steps, turn, turn.replies.iter().map(|(_, reply)| format!("{reply}\r\n")).collect());
        }
    }
    if matches!(fault, Fault::Close | Fault::CloseInHalf | Fault::Closing421) {
        steps.push(Step::Close);
    }
    let setup = Setup { is_impatient: fault == Fault::Silence, ..Setup::default() };
    Some(Script { setup, steps, expected: vec![expected(mode, at, fault)] })
}

fn push(steps: &mut Vec<Step>, turn: &Turn, said: String) {
    steps.extend((!turn.heard.is_empty()).then(|| Step::Hear(turn.heard.clone())));
    steps.extend((!said.is_empty()).then(|| Step::Say(said.into_bytes())));
}

fn in_place(fault: Fault, at: Stage, usual: &str) -> String {
    match fault {
        // The class that each stage wants, written as few servers do.
        Fault::Other2yz if at == Stage::Ehlo => usual.replace("\r\n", "\n") + "\n",
        Fault::Other2yz if at == Stage::Data => "399\n".to_owned(),
        Fault::Other2yz if at == Stage::Banner => "220-first\r\n220\r\n".to_owned(),
        Fault::Other2yz => "299-first\n299OK\n".to_owned(),
        Fault::Transient => "451-4.3.0 first\r\n451 4.3.0 later\r\n".to_owned(),
        Fault::Permanent => "554 5.7.1 no\r\n".to_owned(),
        Fault::Closing421 => "421 4.3.2 closing\r\n".to_owned(),
        Fault::WrongClass if at == Stage::Data => "250 done\r\n".to_owned(),
        Fault::WrongClass if at == Stage::Auth => "334 not base64\r\n".to_owned(),
        Fault::WrongClass => "354 go on\r\n".to_owned(),
        Fault::Nonsense => "hello world\r\n".to_owned(),
        Fault::Silence | Fault::Close => String::new(),
        Fault::CloseInHalf => "25".to_owned(),
    }
}

/// The reply to a command that came in the same flight behind the one with the fault.
fn behind(fault: Fault, at: Stage, stage: Stage, usual: &str) -> String {
    match fault {
        Fault::Other2yz | Fault::WrongClass | Fault::Nonsense => format!("{usual}\r\n"),
        Fault::Transient | Fault::Permanent => match (at, stage) {
            (_, Stage::Data) => "554 5.5.1 no valid recipients\r\n".to_owned(),
            _ => "503 5.5.1 wrong order\r\n".to_owned(),
        },
        Fault::Closing421 | Fault::Silence | Fault::Close | Fault::CloseInHalf => String::new(),
    }
}

fn expected(mode: Mode, at: Stage, fault: Fault) -> String {
    let is_login = matches!(at, Stage::Banner | Stage::Ehlo | Stage::Auth);
    // Once all of the message is out, nobody knows without a reply.
    let is_out = at == Stage::Final || (mode == Mode::OneFlight && !is_login);
    let lost = match (is_out, at, fault) {
        (true, ..) => "failed at end of message: unanswered".to_owned(),
        (_, Stage::Mail, Fault::Close) => "failed at MAIL: connection, untouched".to_owned(),
        _ => format!("failed at {at}: connection"),
    };
    match fault {
        Fault::Other2yz => "accepted".to_owned(),
        Fault::Closing421 if at == Stage::Mail => "failed at MAIL: refused 421, untouched".to_owned(),
        Fault::Transient if is_login => format!("failed at {at}: refused 451"),
        Fault::Permanent if is_login => format!("failed at {at}: refused 554"),
        Fault::Closing421 if is_login => format!("failed at {at}: refused 421"),
        Fault::Transient => format!("refused at {at}: 451"),
        Fault::Permanent => format!("refused at {at}: 554"),
        Fault::Closing421 => format!("refused at {at}: 421"),
        Fault::WrongClass if at == Stage::Auth => "failed at AUTH: sasl".to_owned(),
        Fault::WrongClass | Fault::Nonsense | Fault::Silence | Fault::Close | Fault::CloseInHalf => lost,
    }
}

#[tokio::test]
async fn whatever_a_server_answers_at_whatever_stage_is_told_as_it_is() {
    let mut plays = tokio::task::JoinSet::new();
    for mode in MODES {
        for (at, fault) in STAGES.iter().flat_map(|at| FAULTS.iter().map(move |fault| (*at, *fault))) {
            let Some(script) = script(mode, at, fault) else { continue };
            plays.spawn(
                async move { player::play(&script).await.map_err(|why| format!("{mode:?} {at} {fault:?}: {why}")) },
            );
        }
    }
    assert!(plays.len() > 200, "{}", plays.len());
    let wrong: Vec<String> = plays.join_all().await.into_iter().filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{} of them\n{}", wrong.len(), wrong.join("\n"));
}
