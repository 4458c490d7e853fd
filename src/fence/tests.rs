use super::*;
use std::fs;

#[test]
fn what_is_below_a_directory_is_known_by_its_real_path() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir_all(at("site/accounts.d")).unwrap();
    fs::create_dir(at("elsewhere")).unwrap();
    fs::create_dir(at("state")).unwrap();
    fs::write(at("elsewhere/secret"), "").unwrap();
    std::os::unix::fs::symlink(at("site"), at("link")).unwrap();
    std::os::unix::fs::symlink(at("elsewhere/secret"), at("site/secret")).unwrap();
    let reach = Fence { read: vec![at("link")], write: vec![at("state")], remove: Vec::new() }.reach();
    let rows = [
        ("site", true, false),
        ("link/accounts.d", true, false),
        ("site/accounts.d/not/there/yet", true, false),
        ("state", true, true),
        ("state/spool", true, true),
        ("site/secret", false, false),
        ("elsewhere/secret", false, false),
        ("site-of-another", false, false),
        ("site/../elsewhere/secret", false, false),
        ("not/there", false, false),
    ];
    for (path, is_read, is_written) in rows {
        assert_eq!((reach.lets_read(&at(path)), reach.lets_write(&at(path))), (is_read, is_written), "{path}");
    }
}

#[test]
fn without_a_fence_an_error_is_told_as_the_system_has_it() {
    let error = told(Path::new("/x/y"), io::Error::from_raw_os_error(13));
    assert_eq!(error.raw_os_error(), Some(13));
}
