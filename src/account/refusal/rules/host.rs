//! Rows that say that this host's address is refused, whoever logs in and whatever is sent.

use super::super::rule::{ANY, At, Rule};
use crate::verdict::Meaning;

/// See the module's head.
pub(super) static ROWS: &[Rule] = &[
    Rule {
        meaning: Meaning::HostRefused,
        says: &[
            "spam|spams|spamming .. from your|this ip",
            "ip .. has_been|is blocked|banned|blacklisted|blocklisted|blocked",
            "your|this ip .. spammer",
        ],
        source: "Free, GoDaddy IB110 to IB113",
        ..ANY
    },
    Rule {
        meaning: Meaning::HostRefused,
        says: &[
            "reverse dns|lookup|entry|resolution|record|mapping|name",
            "rdns|ptr|fcrdns",
            "rueckwarts*|ruckwarts*",
            "cannot|cant|can_not|unable_to|could_not|not_able_to find|resolve your hostname|host|address|name|ip",
            "hostname lookup|resolution failed|failure",
            "ip name lookup failed",
            "not .. match .. ip address of the hostname",
            "helo|ehlo .. invalid|rejected|bad|forbidden|illegal|syntactically|mismatch|denied|not|fqdn|need*|numeric",
            "invalid|bad|illegal|syntactically|empty .. helo|ehlo",
            "invalid domain name",
            "mismatch* client ip",
        ],
        unless: &[
            "sender|recipient address rejected domain",
            "helo|ehlo first",
            "after helo|ehlo",
            "relay* .. denied|prohibited",
        ],
        remedy: "The provider wants this host's address to have a name that leads back to it, and a proper EHLO name: have the PTR record \
                 set by whoever gives out the address, or send by another route.",
        source: "https://postmaster.gmx.net/en/error-messages (c=rdns); https://support.google.com/a/answer/3726730 (5.7.25)",
        ..ANY
    },
    Rule {
        meaning: Meaning::HostRefused,
        says: &[
            "ip|ips|netblock|subnet .. block*|black*|listed|list|ban|banned|reputation|reject*|refuse*|denied|deny*|restricted|throttled|limited|suspicious|infected|exceptional|spam|spammer",
            "blocked|banned|rejected|refused|blacklisted|blocklisted|denied|listed|bad|poor|suspected .. ip|ips",
            "client|connecting|remote|sending|your|the|this host|server|hostname|mta|mailserver|network|machine .. blocked|rejected|listed|denied|banned|blacklisted|blocklisted|refused|not_allowed",
            "your|sending mail server .. blocked|rejected|listed|banned|blacklisted|blocklisted|reputation",
            "host .. is blacklisted|blocklisted|blocked|banned|listed",
            "host network not allowed",
            "host|network|server .. blacklist|blocklist",
            "blacklisted|blocklisted|blocked|listed|found|rejected .. by|using|at|in|on|from .. *rbl|*dnsbl*|*bl|spamhaus|spamcop|barracuda*|sorbs|uceprotect*|abuseat|cloudmark|invaluement|manitu",
            "dnsbl|rbl|dnsrbl|dnsbls|rbls|rblcheck",
            "block|black|deny|reject list|listed|lists|listing",
            "blocklist|blacklist|blacklists|blocklists|denylist",
            "spamhaus|spamcop|barracudacentral|sorbs|abuseat|uceprotect*|senderscore|senderbase|hostkarma|invaluement|dnsbl|dnsblstats|ipcheck|sperrliste|talosintelligence|trustedsource",
            "none bad reputation",
            "bad|poor|low|no .. reputation",
            "reputation .. bad|poor|low|problems",
            "dynamic|dialup|residential|zombie* ip*|address*|host*|range|pool",
            "dial up",
            "geoip|geographical|geolocation",
            "messages|mail|email|connections|connection|message from # # # #",
            "user complaints",
            "tss0*|tss1*|bl21|bl23",
            "no smtp service",
            "policy restrictions ip based",
            "client|connecting .. blocked using",
            "access to submit messages .. rejected",
            "from this range|network",
            "ip not in whitelist",
            "this|your ip .. blocked",
            "not accepting connections|connection",
            "connection|access refused|denied|rejected|dropped|blocked .. ip|from|for|by",
            "connections .. not .. accepted",
            "not allowed to connect",
            "open proxy",
            "may be infected",
            "botnet|spambot|spambots|torexit",
            "unsolicited mail originating",
            "traffic not accepted",
            "ip # # # # .. problem",
            "not authorized to send email directly",
            "ip|rechner|server|host .. gesperrt|blockiert|abgelehnt|geblockt",
            "adresse ist|wurde gesperrt|blockiert .. ip",
            "adresse ip source bloquee",
            "smtp server of your isp|provider",
        ],
        unless: &[
            "uribl|surbl|dbl|url|link|links|domain reputation",
            "reputation of the|a sending domain|domain",
            "domain present|listed|blacklisted|blocked",
            "sender|from|email address .. blocked|blacklisted|listed|banned|rejected",
            "blocked|rejected|banned by .. recipient|user|rule",
            "access denied .. recipient|sender|user",
            "too many|much",
            "mailfrom|mail_from|sender domain .. listed",
            "black list .. sender|user|recipient",
            "user in blacklist",
            "relay* .. denied|prohibited|disallowed",
            "recipient rejected",
            "content",
            "may not exist they may be blacklisted",
        ],
        source: "https://postmaster.gmx.net/en/error-messages; Postfix reject_rbl_client; https://postmaster.yahooinc.com/error-codes; \
                 Microsoft 5.7.1 S3150, 5.7.511, 5.7.606-649",
        ..ANY
    },
    Rule {
        meaning: Meaning::HostRefused,
        codes: &[421],
        says: &["policy|policies|reject*|refused|denied|blocked|complaint*|unsolicited|spam|reputation"],
        unless: &[
            "too many|much",
            "tls",
            "rate limit*",
            "recipient address",
            "domain reputation",
            "reputation of the|a sending domain|domain",
        ],
        source: "https://ionos.de/hilfe/e-mail/postmaster/smtp-fehlermeldungen-der-11-ionos-mailserver",
        ..ANY
    },
    Rule {
        meaning: Meaning::HostRefused,
        at: At::EARLY_ONLY,
        says: &[
            "policy|policies|reject*|refused|denied|blocked|banned|blacklist*|blocklist*|spam*|abuse|reputation|not_allowed|forbidden|prohibited|unwelcome|go_away|access",
            "gesperrt|abgelehnt|verweigert|blockiert|richtlinie*",
        ],
        unless: &["too many|much", "limit*"],
        source: "RFC 5321 section 3.1 (554 in place of a greeting)",
        ..ANY
    },
];
