use std::io::Write;

use super::*;

fn from_file(text: &str) -> Result<LoadedConfig, Vec<String>> {
    from_both(text, &[])
}

fn from_environment(variables: &[(&str, &str)]) -> Result<LoadedConfig, Vec<String>> {
    load(None, variables.iter().map(|(name, value)| (name.into(), value.into()))).map_err(lines)
}

fn from_both(text: &str, variables: &[(&str, &str)]) -> Result<LoadedConfig, Vec<String>> {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(text.as_bytes()).expect("written");
    let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
    let path = file.path().display().to_string();
    load(Some(file.path()), variables)
        .map_err(|faults| lines(faults).iter().map(|fault| fault.replace(&path, "f")).collect())
}

fn lines(faults: Vec<ConfigFault>) -> Vec<String> {
    faults.iter().map(ToString::to_string).collect()
}

fn source(loaded: &LoadedConfig, name: &str) -> ValueSource {
    loaded.values.iter().find(|value| value.name == name).expect("a setting").source
}

#[test]
fn the_defaults_are_a_configuration() {
    let loaded = from_environment(&[]).expect("the defaults");
    assert_eq!(loaded.config.server.listen_address.to_string(), "127.0.0.1:7411");
    assert_eq!(loaded.config.access.beyond_loopback, Entitlement::Public);
    assert_eq!(loaded.config.calendar.cross_sector_from, None);
    for (setting, value) in SETTINGS.iter().zip(&loaded.values) {
        assert_eq!((setting.name, setting.default.is_some()), (value.name, value.value.is_some()));
        assert_eq!(value.source, ValueSource::Default);
    }
}

#[test]
fn the_environment_is_over_the_file_and_the_file_over_the_defaults() {
    let loaded = from_both(
        "[listing]\npage_size_max = 2_000\npage_size_default = 50\n[log]\nlevel = 'debug'\n",
        &[("LUPA_LISTING__PAGE_SIZE_DEFAULT", "25"), ("LUPA_SERVER__REFLECTION", "off"), ("HOME", "x")],
    )
    .expect("a configuration");
    assert_eq!(loaded.config.listing.page_size_max, 2000);
    assert_eq!(loaded.config.listing.page_size_default, 25);
    assert_eq!(loaded.config.server.reflection, Reflection::Off);
    assert_eq!(source(&loaded, "listing.page_size_default"), ValueSource::Environment);
    assert_eq!(source(&loaded, "listing.page_size_max"), ValueSource::File);
    assert_eq!(source(&loaded, "log.format"), ValueSource::Default);
}

#[test]
fn every_fault_of_a_file_is_reported_with_its_line() {
    let faults = from_file(
        "port = 1\n[server]\nlisten_adress = 'x'\nlisten_address = 'localhost'\nrequest_bytes_max = 12\n\
         [access]\nloopback = 'all'\n[shop]\nx = 1\n[empty]\n[store]\npath = ''\n\
         [index]\npoll_interval_ms = 1.5\n[calendar]\nwellbeing_from = '1.1.2026'\n",
    )
    .expect_err("faults");
    assert_eq!(
        faults,
        [
            "f:1: port: a setting belongs to a section: write [section] above it",
            "f:3: server.listen_adress: no such setting; did you mean server.listen_address?",
            "f:4: server.listen_address: write an IP address and a port, such as 127.0.0.1:7411 or [::1]:7411, \
             not \"localhost\"",
            "f:5: server.request_bytes_max: write a whole number from 1024 to 1073741824, not 12",
            "f:7: access.loopback: write one of full, public, not \"all\"",
            "f:9: shop.x: no such setting; `lupa config` lists them all",
            "f:10: [empty]: no such section; `lupa config` lists them all",
            "f:12: store.path: write text, not \"\"",
            "f:14: index.poll_interval_ms: write a whole number from 1 to 3600000, not \"1.5\"",
            "f:16: calendar.wellbeing_from: write a date as YYYY-MM-DD, not \"1.1.2026\"",
        ]
    );
    assert_eq!(from_file("[log]\nlevel = \n").expect_err("not TOML").len(), 1);
}

#[test]
fn every_fault_of_the_environment_is_reported_with_its_variable() {
    let faults = from_environment(&[
        ("LUPA_SERVER__LISTEN_ADDRES", "127.0.0.1:1"),
        ("LUPA_LISTEN_ADDRESS", "127.0.0.1:1"),
        ("LUPA_SERVER__REQUEST_TIMEOUT_MS", "10s"),
        ("LUPA_CALENDAR__VERSIONS", "[]"),
    ])
    .expect_err("faults");
    assert_eq!(
        faults,
        [
            "LUPA_CALENDAR__VERSIONS: accepted only in the file: write [[calendar.versions]] tables there",
            "LUPA_LISTEN_ADDRESS: no such setting; write LUPA_SECTION__KEY with a setting of `lupa config`, or unset the \
             variable",
            "LUPA_SERVER__LISTEN_ADDRES: no such setting; did you mean LUPA_SERVER__LISTEN_ADDRESS?",
            "LUPA_SERVER__REQUEST_TIMEOUT_MS: server.request_timeout_ms: write a whole number from 1 to 3600000, \
             not \"10s\"",
        ]
    );
}

#[test]
fn variables_that_are_no_settings_are_ignored() {
    for name in [
        "LUPA_CONFIG",
        "LUPA_URL",
        "LUPA_SERVICE_HOST",
        "LUPA_SERVICE_PORT_GRPC",
        "LUPA_PORT",
        "LUPA_PORT_7411_TCP_ADDR",
        "LUPA_EU_SERVICE_HOST",
        "LUPINE",
    ] {
        from_environment(&[(name, "tcp://10.0.0.1:7411")]).unwrap_or_else(|faults| panic!("{faults:?}"));
    }
}

#[test]
fn plaintext_stays_on_loopback_unless_it_is_allowed() {
    let beyond = ("LUPA_SERVER__LISTEN_ADDRESS", "0.0.0.0:7411");
    let faults = from_environment(&[beyond]).expect_err("refused");
    assert!(faults[0].contains("beyond loopback and there is no TLS"), "{}", faults[0]);
    from_environment(&[beyond, ("LUPA_SERVER__ALLOW_PLAINTEXT_BEYOND_LOOPBACK", "true")]).expect("allowed");
    from_environment(&[("LUPA_SERVER__LISTEN_ADDRESS", "[::1]:0")]).expect("loopback");
}

#[test]
fn tls_needs_a_certificate_its_key_and_callers() {
    let [certificate, key, callers] = [
        ("LUPA_SERVER__TLS_CERTIFICATE_FILE", "server.pem"),
        ("LUPA_SERVER__TLS_KEY_FILE", "server-key.pem"),
        ("LUPA_SERVER__CALLERS_FILE", "callers.toml"),
    ];
    let beyond = ("LUPA_SERVER__LISTEN_ADDRESS", "0.0.0.0:7411");
    from_environment(&[certificate, key, callers, beyond]).expect("TLS may be beyond loopback");
    from_environment(&[callers]).expect("callers of this machine");
    for (given, missing) in [
        (&[certificate, callers][..], "server.tls_key_file: unset"),
        (&[key, callers], "server.tls_certificate_file: unset"),
        (&[certificate, key], "server.callers_file: unset"),
    ] {
        let faults = from_environment(given).expect_err("refused");
        assert!(faults.iter().any(|fault| fault.contains(missing)), "{faults:?}");
    }
}

#[test]
fn settings_must_fit_together() {
    let faults = from_environment(&[
        ("LUPA_LISTING__PAGE_SIZE_DEFAULT", "5000"),
        ("LUPA_INDEX__MAX_STALENESS_MS", "100"),
    ])
    .expect_err("faults");
    assert_eq!(faults.len(), 2);
}

#[test]
fn the_calendar_takes_dates_and_versions() {
    let loaded = from_file(
        "[calendar]\ncross_sector_from = 2027-03-01\nwellbeing_from = '2026-01-01'\n\
         [[calendar.versions]]\nversion = '2.1'\nvalid_from = 2026-12-01\nopens_uusimaa = true\n",
    )
    .expect("a calendar");
    assert_eq!(loaded.config.calendar.cross_sector_from.as_deref(), Some("2027-03-01"));
    assert_eq!(loaded.config.calendar.versions[0].valid_from.as_deref(), Some("2026-12-01"));
    assert_eq!(loaded.calendar.cross_sector_from.to_string(), "2027-03-01");

    let faults =
        from_file("[[calendar.versions]]\nversion = '2.1'\nvalid_form = 2026-12-01\n").expect_err("faults");
    assert!(faults[0].contains("calendar.versions[0]: unknown field `valid_form`"), "{}", faults[0]);
    let faults =
        from_file("[[calendar.versions]]\nversion = '2.1'\nvalid_from = 'now'\n").expect_err("faults");
    assert!(faults[0].contains("valid_from: write a date as YYYY-MM-DD, not \"now\""), "{}", faults[0]);
    let faults = from_file("[calendar]\nact_in_force = '2021-02-30'\n").expect_err("faults");
    assert!(faults[0].starts_with("calendar.act_in_force: `2021-02-30` is not a date"), "{}", faults[0]);
}

#[test]
fn an_unreadable_file_is_reported() {
    let faults = load(Some(Path::new("no/such/lupa.toml")), []).expect_err("no file");
    assert!(faults[0].to_string().starts_with("no/such/lupa.toml: cannot be read"), "{}", faults[0]);
}

#[test]
fn only_a_similar_name_is_suggested() {
    for (name, suggested) in [
        ("listing.pagesize_max", "did you mean listing.page_size_max?"),
        ("log.colour", "`lupa config` lists them all"),
    ] {
        let (section, key) = name.split_once('.').expect("a section");
        let faults = from_file(&format!("[{section}]\n{key} = 1\n")).expect_err("faults");
        assert_eq!(faults, [format!("f:2: {name}: no such setting; {suggested}")]);
    }
}

#[test]
fn a_misspelt_log_level_is_refused_with_the_nearest_level() {
    let fault = |level: &str| check_level(level).expect_err(level);
    for level in
        ["warn", "INFO", "off", "info,lupa=debug", "lupa::store=trace,error", "warn,[decide{id}]=debug"]
    {
        assert_eq!(check_level(level), Ok(()), "{level}");
    }
    assert!(fault("warning").starts_with("`warning` is not a level; did you mean `warn`? write off, error"));
    assert!(fault("info,lupa=debgu").starts_with("`debgu` is not a level; did you mean `debug`?"));
    assert!(fault("lupa").starts_with("`lupa` is not a level: write off"));
    assert!(fault(" , ").starts_with("a level is missing: write off"));
    let faults = from_environment(&[("LUPA_LOG__LEVEL", "warning")]).expect_err("a fault");
    assert!(matches!(&faults[..], [fault] if fault.starts_with("log.level: `warning` is not")), "{faults:?}");
}
