use serde_json::json;

use crate::support::{ADA, Api, claims, refresh_of, session_of};

const SETUP: &str = "/v1/auth/security-questions/setup";
const VERIFY: &str = "/v1/auth/security-questions/verify";

#[tokio::test]
async fn questions_are_set_up_asked_and_passed() {
    let api = Api::start().await;
    let ada = refresh_of(&api.signed_in(ADA).await);
    assert_eq!(api.get_as(&ada, VERIFY).await.ok(), json!({"questions": []}));
    let answers =
        json!([{"id": "first-machine", "answer": "The Analytical Engine"}, {"id": "birth-city", "answer": "London"}]);
    let body = json!({"loginId": ADA, "answers": answers});
    api.post_as(&ada, VERIFY, body.clone()).await.refused(400, "E011004");
    api.post(SETUP, body.clone()).await.refused(401, "E011002");
    assert_eq!(api.post_as(&ada, SETUP, body).await.ok(), json!({}));
    let asked = api.get_as(&ada, VERIFY).await.ok();
    assert_eq!(asked["questions"][1], json!({"id": "birth-city", "text": "In which city were you born?"}));

    let answers =
        json!([{"id": "birth-city", "answer": " LONDON "}, {"id": "first-machine", "answer": "the analytical engine"}]);
    let session = api.post_as(&ada, VERIFY, json!({"loginId": ADA, "answers": answers, "stepup": true})).await.ok();
    let claims = claims(&session_of(&session));
    assert_eq!((&claims["su"], &claims["amr"]), (&json!(true), &json!(["email", "mfa"])));
}

#[tokio::test]
async fn wrong_answers_are_refused_and_counted() {
    let api = Api::start().await;
    let ada = refresh_of(&api.signed_in(ADA).await);
    let body = |answer: &str| json!({"loginId": ADA, "answers": [{"id": "birth-city", "answer": answer}]});
    api.post_as(&ada, SETUP, body("London")).await.ok();
    let none = json!({"loginId": ADA, "answers": []});
    api.post_as(&ada, VERIFY, none.clone()).await.refused(401, "E111119");
    api.post_as(&ada, SETUP, none).await.refused(400, "E011003");
    for _ in 0..4 {
        api.post_as(&ada, VERIFY, body("Paris")).await.refused(401, "E111119");
    }
    api.post_as(&ada, VERIFY, body("London")).await.refused(401, "E061103");
    api.wait(601);
    api.post_as(&ada, VERIFY, body("London")).await.ok();
    let unknown = json!({"loginId": ADA, "answers": [{"id": "shoe-size", "answer": "37"}]});
    let message = api.post_as(&ada, SETUP, unknown).await.refused(400, "E011004");
    assert!(message.contains("first-pet"), "{message}");
    let bob = refresh_of(&api.signed_in("bob@example.com").await);
    api.post_as(&bob, VERIFY, body("London")).await.refused(403, "E011004");
}
