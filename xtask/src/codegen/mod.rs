//! From the joined document to every generated file of the workspace.

mod areas;
mod construct;
// Shared with the build script that holds the generated code against the bundle.
#[path = "../../../descope-api/digest.rs"]
mod digest;
mod emulator;
mod errors;
mod fixup;
mod functions;
mod guard;
mod mocks;
mod objects;
mod operations;
mod prepare;
mod rewrite;
mod schemas;
mod slices;
mod testing;
mod times;
mod vocabulary;

use progenitor_impl::{GenerationSettings, Generator, HooksMode, InterfaceStyle, TypeImpl};
use serde_json::Value;

pub(crate) use areas::overlay;
pub(crate) use operations::function_name;
pub(crate) use vocabulary::{NAME as VOCABULARY, constant};

use self::fixup::Tally;
use crate::{bundle, document::Document, index, newer, output::Output, problem::Failure};

/// Folders in which every file is generated; what is found there besides is removed.
pub(crate) const OWNED_FOLDERS: [&str; 6] = [
    "descope-api/src/generated",
    "descope-emulator/src/generated",
    "descope-httpmock/src/generated",
    "spec/bundle",
    "descope-sdk/src/generated",
    "tests/generated",
];

/// The two forms of the bundle, the same as OpenAPI 3.1, and a list of its operations.
pub(crate) fn bundles(document: &Document) -> [Output; 4] {
    [
        Output::new("spec/bundle/descope.openapi.json", bundle::json(&document.value)),
        Output::new("spec/bundle/descope.openapi.yaml", bundle::yaml(&document.value)),
        Output::new("spec/bundle/descope.openapi-3.1.json", bundle::json(&newer::render(&document.value))),
        Output::new("spec/bundle/llms.txt", index::llms(document)),
    ]
}

/// The bundle and all code that follows from it.
pub(crate) fn outputs(document: &Document) -> Result<Vec<Output>, Failure> {
    let mut outputs = Vec::from(bundles(document));
    let digest = digest::digest(outputs[0].text.as_bytes());
    outputs.extend(guard::run(document, || client(document, &digest), attempt)?.0);
    outputs.extend(errors::outputs(&document.errors));
    outputs.push(Output::new("descope-api/src/generated/schemas.json", schemas::file(&document.value)));
    outputs.push(Output::new("descope-emulator/src/generated/openapi.json", emulator::compact(&document.value)));
    Ok(outputs)
}

/// What was changed of the generator's input and output, how often, and why: a line for each kind of change.
pub(crate) fn fixups(document: &Document) -> Result<Vec<String>, Failure> {
    Ok(client(document, "")?.1.lines())
}

fn client(document: &Document, digest: &str) -> Result<(Vec<Output>, Tally), Failure> {
    let fixups: Vec<_> = prepare::FIXUPS.into_iter().chain(rewrite::FIXUPS).chain(mocks::FIXUPS).collect();
    let mut tally = Tally::expecting(&fixups);
    let vocabularies = vocabulary::read(&document.value);
    let prepared = prepare::for_progenitor(&document.value, &mut tally);
    let generated = |name: &str, file: &syn::File| {
        let text = header(name, digest, &prettyplease::unparse(file));
        Output::new(format!("descope-api/src/generated/{name}"), text)
    };
    // The mocks have nothing to do with the rest and take a third of the time.
    std::thread::scope(|scope| {
        let mocks = scope.spawn(|| {
            guard::quiet();
            let mut tally = Tally::default();
            let tokens = generator(&vocabularies)
                .httpmock(&api(prepare::for_mocks(&prepared, &mut tally))?, "descope_api")
                .map_err(fault)?;
            let file = mocks::client(document, tokens, &mut tally)?;
            let text = header("mod.rs", digest, &prettyplease::unparse(&file));
            Ok::<_, Failure>((Output::new("descope-httpmock/src/generated/mod.rs", text), tally))
        });
        let tokens = generator(&vocabularies).generate_tokens(&api(prepared.clone())?).map_err(fault)?;
        let file = rewrite::client(
            tokens,
            &prepare::aliases(&document.value),
            &prepare::required(&document.value),
            &times::units(&document.value),
            &mut tally,
        )?;
        let dispatchers = prettyplease::unparse(&testing::dispatchers(document, &file, &vocabularies));
        let mut files = vec![
            Output::new("tests/generated/raw.rs", header("", digest, &dispatchers)),
            generated("operations.rs", &operations::table(document)),
            generated("vocabulary.rs", &vocabulary::module(&vocabularies)),
        ];
        files.extend(areas::outputs(document, &file)?);
        files.push(Output::new("descope-emulator/src/generated/operations.rs", emulator::operations(document, &file)));
        files.extend(slices::split(document, file)?.iter().map(|(name, file)| generated(name, file)));
        let (mocks, made) = mocks.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        files.push(mocks);
        tally.add(made);
        tally.check()?;
        Ok((files, tally))
    })
}

/// Has the generators read a document, for what they say of it.
fn attempt(document: &Value) -> Result<(), Failure> {
    let mut tally = Tally::default();
    let prepared = prepare::for_progenitor(document, &mut tally);
    let vocabularies = vocabulary::read(document);
    generator(&vocabularies)
        .httpmock(&api(prepare::for_mocks(&prepared, &mut tally))?, "descope_api")
        .map_err(fault)?;
    generator(&vocabularies).generate_tokens(&api(prepared)?).map_err(fault)?;
    Ok(())
}

#[allow(clippy::needless_pass_by_value)] // as `map_err` hands it over
fn fault(error: impl std::fmt::Display) -> Failure {
    Failure::Generator(error.to_string())
}

/// In the order of the names, whatever map type serde_json uses: any crate of the workspace can choose it for all.
fn api(mut document: Value) -> Result<openapiv3::OpenAPI, Failure> {
    document.sort_all_objects();
    serde_json::from_value(document).map_err(fault)
}

fn generator(vocabularies: &vocabulary::Vocabularies) -> Generator {
    let mut settings = GenerationSettings::new();
    settings
        .with_interface(InterfaceStyle::Positional)
        .with_hooks(HooksMode::Expected)
        .with_inner_type(quote::quote!(crate::seam::Seam))
        .with_map_type("::std::collections::BTreeMap")
        .with_conversion(password_schema(), "crate::Secret", std::iter::empty());
    for name in vocabularies.keys() {
        let implements = [TypeImpl::Display].into_iter();
        settings.with_conversion(vocabulary::marked(name), vocabulary::path(name), implements);
    }
    Generator::new(&settings)
}

/// `{type: string, format: password}`, which becomes the redacted string type.
fn password_schema() -> schemars::schema::SchemaObject {
    schemars::schema::SchemaObject {
        instance_type: Some(schemars::schema::InstanceType::String.into()),
        format: Some("password".to_owned()),
        ..Default::default()
    }
}

fn header(name: &str, digest: &str, text: &str) -> String {
    let digest = if name == "mod.rs" { format!("// bundle digest: {digest}\n") } else { String::new() };
    format!(
        "// Generated by `cargo xtask codegen` from spec/bundle/descope.openapi.json. Do not edit.\n{digest}\n{text}"
    )
}
