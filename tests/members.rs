//! What the emulator takes it also reads: nothing is accepted and ignored.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use descope_api::{OPERATIONS, Operation};
use descope_emulator::Emulator;
use heck::ToUpperCamelCase as _;
use serde_json::Value;

use crate::support::spec::{self, media, resolve};

/// Members that change nothing that the emulator could show, by the beginning of the operations' ids, with the reason.
const HARMLESS: &[(&str, &[&str], &str)] = &[
    (
        "",
        &["templateId", "templateOptions", "locale", "providerId"],
        "messages have no wording here, and nobody delivers them",
    ),
    ("notp", &["templates"], "messages have no wording here, and nobody delivers them"),
    ("", &["crossDevice"], "a hint for pages of the service's own"),
    ("", &["ssoAppId"], "of a sign-in no claim follows from it; the provider of applications reads it"),
    ("federation", &["flow", "style", "dynamic_val"], "about the hosted page, in whose place the emulator has its own"),
    (
        "federationFedcmAssert",
        &["disclosureTextShown", "isAutoSelected"],
        "what the browser has shown and picked by itself, which no answer depends on",
    ),
    ("managementMcp", &["consentFlowId", "consent_flow_id"], "no flow is run; the emulator has a page of its own"),
    ("managementInboundApplication", &["consent_flow_id"], "no flow is run; the emulator has a page of its own"),
    ("flow", &["isCustomScreen"], "the answer is the same whoever draws the screen"),
    ("managementFlowImport", &["skipRender"], "flows are documents here, and nothing is rendered"),
    ("managementFlowRun", &["preview"], "no flow of the back end is run: one that is known is answered with 501"),
    ("managementThirdPartyApplication", &["consentFlowId"], "no flow is run, and the service does not show it again"),
    (
        "oauthCallbackForm",
        &["error_description", "id_token", "ssoId"],
        "the emulator's own provider sends none of them",
    ),
];

/// Types whose members are walked too; those of others are kept as they came, or are looked at one by one.
const WALKED: [&str; 3] = ["LoginOptions", "SignUpOptions", "SignUpUser"];

/// A name as it is compared: the Rust and the JSON spelling of a member are the same then.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// What the files say: their words, and the schemas whose members they take over as a whole.
#[derive(Default)]
struct Said {
    words: BTreeSet<String>,
    schemas: BTreeSet<String>,
}

impl Said {
    fn add(&mut self, text: &str) {
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        self.words.extend(words.filter(|word| !word.is_empty()).map(plain));
        let quoted = text.split('"').filter(|part| !spec::schema(part).is_null());
        self.schemas.extend(quoted.map(str::to_owned));
    }

    fn reads(&self, member: &str) -> bool {
        self.words.contains(&plain(member))
    }

    /// Whether a schema that is named here has the member, so that it is kept with the others.
    fn keeps(&self, member: &str) -> bool {
        self.schemas.iter().any(|name| !spec::schema(name)["properties"][member].is_null())
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// What stands in the rooms that serve an operation, and in what all of them share.
fn said_about(operation: &Operation, sources: &BTreeMap<PathBuf, String>) -> Said {
    let name = format!("op::{}>", operation.id.to_upper_camel_case());
    let mut said = Said::default();
    for (path, text) in sources {
        let serves = text.contains(&name);
        let folder = path.parent().expect("a folder");
        let area = folder.file_name().is_some_and(|name| name == "area");
        let beside = !area && sources.iter().any(|(other, text)| other.starts_with(folder) && text.contains(&name));
        let users =
            text_of_users(path) && sources.values().any(|text| text.contains(&name) && text.contains("user::create("));
        if serves || beside || users || path.components().any(|part| part.as_os_str() == "flow") {
            said.add(text);
        }
    }
    said
}

/// Whether a file is about users, which test users are as well.
fn text_of_users(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "user")
}

fn unread(schema: &'static Value, said: &Said, at: &str, found: &mut Vec<String>) {
    for (name, property) in resolve(schema)["properties"].as_object().into_iter().flatten() {
        let path = format!("{at}{name}");
        if !said.reads(name) && !said.keeps(name) {
            found.push(path.clone());
        }
        let walked = property["$ref"].as_str().and_then(|name| name.rsplit('/').next());
        if walked.is_some_and(|name| WALKED.contains(&name)) {
            unread(property, said, &format!("{path}."), found);
        }
    }
}

#[test]
fn every_member_that_the_emulator_takes_is_read_by_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../descope-emulator/src");
    let mut paths = Vec::new();
    for folder in ["area", "flow"] {
        files(&root.join(folder), &mut paths);
    }
    let sources: BTreeMap<PathBuf, String> =
        paths.into_iter().map(|path| (path.clone(), fs::read_to_string(&path).expect("a file"))).collect();
    let emulated = Emulator::emulated_operations();
    let mut ignored = Vec::new();
    for operation in OPERATIONS.iter().filter(|operation| emulated.contains(&operation.id)) {
        let body = &spec::operation(operation)["requestBody"]["content"];
        let Some((_, schema, _)) = media(body) else { continue };
        let mut found = Vec::new();
        unread(schema, &said_about(operation, &sources), "", &mut found);
        found.retain(|path| {
            let last = path.rsplit('.').next().unwrap_or_default();
            !HARMLESS.iter().any(|(ids, members, _)| operation.id.starts_with(ids) && members.contains(&last))
        });
        ignored.extend(found.into_iter().map(|path| format!("{} {path}", operation.id)));
    }
    assert_eq!(ignored, [] as [&str; 0], "taken and not read");
    assert!(HARMLESS.iter().all(|(.., reason)| reason.len() > 20));
}
