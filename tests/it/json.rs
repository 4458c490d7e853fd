//! What `--json` prints against the schemas in `docs/reference/json`: nothing missing, nothing that is not described.

use crate::site::{MESSAGE, Site, run};
use sendvia::sandbox::TlsMode;
use serde_json::Value;
use std::fs;
use std::process::Command;

fn schema(name: &str) -> Value {
    let path = format!("{}/docs/reference/json/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))).unwrap()
}

/// As much of JSON Schema as ours need, and stricter: a property that the schema does not have is wrong.
fn wrongs(schema: &Value, value: &Value, place: &str, wrongs: &mut Vec<String>) {
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().map(|one| one.as_str().unwrap()).collect(),
        other => panic!("{place}: type {other}"),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !types.contains(&kind) {
        wrongs.push(format!("{place}: expected {types:?}, but found {value}"));
        return;
    }
    if let (Some(allowed), false) = (schema["enum"].as_array(), value.is_null())
        && !allowed.contains(value)
    {
        wrongs.push(format!("{place}: {value} is none of {allowed:?}"));
    }
    if let Value::Array(items) = value {
        let each = |(index, item)| wrongs_of(&schema["items"], item, &format!("{place}[{index}]"));
        wrongs.extend(items.iter().enumerate().flat_map(each));
    }
    if let Value::Object(fields) = value {
        let properties = schema["properties"].as_object().unwrap();
        for required in schema["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()) {
            if !fields.contains_key(required) {
                wrongs.push(format!("{place}: {required} is missing"));
            }
        }
        for (name, field) in fields {
            match properties.get(name) {
                Some(schema) => wrongs.extend(wrongs_of(schema, field, &format!("{place}.{name}"))),
                None => wrongs.push(format!("{place}.{name}: not in the schema")),
            }
        }
    }
}

fn wrongs_of(schema: &Value, value: &Value, place: &str) -> Vec<String> {
    let mut found = Vec::new();
    wrongs(schema, value, place, &mut found);
    found
}

#[track_caller]
fn check(name: &str, command: &mut Command) -> Value {
    let ended = run(command.arg("--json"), b"");
    let value: Value = serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    let found = wrongs_of(&schema(name), &value, name);
    assert!(found.is_empty(), "{found:#?}\nin {value:#}");
    value
}

/// A site with something to tell: a message sent, a login refused, an account that can't be read.
fn site() -> Site {
    let site = Site::new();
    let relay = |queue_id: &str| {
        let arguments = ["--user", "anna", "--queue-id", queue_id, "-f", "anna@gmx.de", "--", "b@x.example"];
        run(site.command("relay").args(arguments), MESSAGE.as_bytes()).code
    };
    assert_eq!(relay("4Xq1"), Some(0));
    site.rules(&["wrong-password"]);
    assert_eq!(relay("4Xq2"), Some(75));
    site.raw_account("broken@gmx.de", "provider: nobody\n");
    let line = "mail sendvia[1]: 4Xq2: from=<anna@gmx.de>, to=<b@x.example>, relay=none, user=anna, account=anna@gmx.de, \
        delay=0, delays=0/0/0/0, dsn=4.7.8, status=deferred (gmx: AUTH: 535)\n";
    fs::write(site.path().join("mail.log"), line).unwrap();
    site
}

#[test]
fn what_scripts_read_is_as_its_schema_says() {
    let site = site();
    let status = check("status", &mut site.command("status"));
    assert!(!status["closed"].as_array().unwrap().is_empty() && !status["accounts"].as_array().unwrap().is_empty());
    let problems = check("check", &mut site.command("check"));
    assert!(!problems["problems"].as_array().unwrap().is_empty(), "{problems}");
    check("lookup", site.command("lookup").args(["anna@gmx.de", "--user", "anna"]));
    check("lookup", site.command("lookup").arg("nobody@x.example"));
    let log = site.path().join("mail.log");
    for queue_id in ["4Xq1", "4Xq2", "none"] {
        check("trace", site.command("trace").arg("--log").arg(&log).arg(queue_id));
    }
    check("doctor", site.command("doctor").args(["--mta", "none", "--offline"]));
    check(
        "explain",
        Command::new(env!("CARGO_BIN_EXE_sendvia")).args(["explain", "--stage", "rcpt", "550 No such user"]),
    );
    check(
        "explain",
        Command::new(env!("CARGO_BIN_EXE_sendvia")).args([
            "explain",
            "--provider",
            "gmx",
            "--stage",
            "auth",
            "535 Authentication credentials invalid",
        ]),
    );
    let target = format!("localhost:{}", site.port(TlsMode::StartTls));
    check("probe", site.command("probe").args(["--account", "anna@gmx.de", &target]));
}

#[test]
fn accounts_are_listed_shown_and_tested_as_their_schemas_say() {
    let site = site();
    let account = |words: &[&str]| {
        let mut command = site.command("account");
        let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        // `account WORD --config FILE`: the option belongs behind the second word.
        let mut again = Command::new(env!("CARGO_BIN_EXE_sendvia"));
        again.arg("account").args(words).args(&arguments[1..]);
        command = again;
        command
    };
    let listed = check("account-list", &mut account(&["list"]));
    assert_eq!(listed.as_array().unwrap().len(), 2);
    check("account-show", &mut account(&["show", "anna@gmx.de"]));
    check("account-test", &mut account(&["test", "--all"]));
    site.rules(&[]);
    check("account-test", &mut account(&["test", "anna@gmx.de"]));
}
