// What generated types send: each body of patches.json, read and written again, has the members that it had.
use openapi::models::{
    TenantPatchRequest, ThirdPartyApplicationPatchRequest, ThirdPartyApplicationV2PatchRequest, UserPatchRequest,
    UserSearchRequest,
};
use serde_json::Value;

fn sent<T: serde::de::DeserializeOwned + serde::Serialize>(body: &Value) -> Value {
    let typed: T = serde_json::from_value(body.clone()).expect("the body fits its type");
    serde_json::to_value(typed).expect("a type of the client is JSON")
}

fn main() {
    let file = std::env::args().nth(1).expect("the path of patches.json");
    let patches: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let patches = patches.as_array().unwrap();
    for patch in patches {
        let (schema, body) = (patch["schema"].as_str().unwrap(), &patch["body"]);
        let sent = match schema {
            "TenantPatchRequest" => sent::<TenantPatchRequest>(body),
            "ThirdPartyApplicationPatchRequest" => sent::<ThirdPartyApplicationPatchRequest>(body),
            "ThirdPartyApplicationV2PatchRequest" => sent::<ThirdPartyApplicationV2PatchRequest>(body),
            "UserPatchRequest" => sent::<UserPatchRequest>(body),
            "UserSearchRequest" => sent::<UserSearchRequest>(body),
            other => panic!("{other} is not known here"),
        };
        assert_eq!(&sent, body, "{schema}");
    }
    // As a program writes it.
    let patch = ThirdPartyApplicationPatchRequest {
        name: Some("New name".to_owned()),
        ..ThirdPartyApplicationPatchRequest::new("TPA1".to_owned())
    };
    assert_eq!(serde_json::to_value(patch).unwrap(), patches[0]["body"]);
    println!("rust: {} bodies hold what was set, and no more", patches.len());
}
