//! What is told to whom of a message that a device brings itself: the login comes first, whatever else is wrong
//! (`spec/endo.md` 2.4, 2.5).

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::support::bus::send;
use crate::support::meshblu::{CREDENTIALS, FakeMeshblu, RemoteGateway, json_answer, route, say_hello};

const ROUTE: &str = "x-meshblu-route";

/// What a device brings, of which something is wrong.
struct Wrong {
    what: &'static str,
    brought: RequestBuilder,
    /// What the device is told once it has shown who it is.
    status: u16,
}

/// Everything that can be wrong with what a device brings to this gateway before its body is read, with no login so far.
fn wrong(gateway: &RemoteGateway) -> Vec<Wrong> {
    let post = || gateway.post("/v1/messages");
    let elsewhere = route().replace(CREDENTIALS, "another-device");
    let wrong = |what, brought, status| Wrong { what, brought, status };
    let mut all = vec![
        wrong("no route", post(), 422),
        wrong("not JSON", post().header(ROUTE, "[{"), 400),
        wrong("two routes", post().header(ROUTE, route()).header(ROUTE, route()), 400),
        wrong("the route of another", post().header(ROUTE, elsewhere), 403),
        wrong("a name of nothing", post().header(ROUTE, route()).header("x-meshblu-delivery-id", ""), 400),
    ];
    for none in ["", "[]", "null", "7", "[null]", r#"{"a":1}"#, r#"[{"from":"a","to":"a"}]"#] {
        all.push(wrong(none, post().header(ROUTE, none), 422));
    }
    all
}

fn by_credentials(request: RequestBuilder) -> RequestBuilder {
    request.basic_auth(CREDENTIALS, Some("a-token")).body(say_hello().to_string())
}

#[tokio::test]
async fn who_shows_a_wrong_login_is_told_that_alone_whatever_else_is_wrong() {
    let meshblu = FakeMeshblu::start().await;
    meshblu.answer("POST /authenticate", [json_answer(403, &Value::Null)]);
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    for Wrong { what, brought, .. } in wrong(&gateway) {
        let answer = send(by_credentials(brought)).await;
        assert_eq!(answer.status, 401, "{what}: {answer:?}");
        assert_eq!(answer.json()["error"], "The caller is not known to the bus", "{what}");
    }
    assert!(meshblu.called().iter().all(|call| call == "POST /authenticate"));
    assert_eq!(gateway.kept(), 0);
}

#[tokio::test]
async fn who_shows_a_right_login_is_told_what_is_wrong_with_the_rest() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    for Wrong { what, brought, status } in wrong(&gateway) {
        let answer = send(by_credentials(brought)).await;
        assert_eq!(answer.status, status, "{what}: {answer:?}");
    }
    assert!(meshblu.called().iter().all(|call| call == "POST /authenticate"));
    assert_eq!(gateway.kept(), 0);
}

#[tokio::test]
async fn nobody_is_asked_about_whoever_shows_no_login() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    for authorization in [None, Some("Basic"), Some("Basic !"), Some("Bearer bm8tY29sb24="), Some("Digest x")]
    {
        for Wrong { what, brought, .. } in wrong(&gateway) {
            let brought = authorization.iter().fold(brought, |it, value| it.header("authorization", *value));
            assert_eq!(send(brought).await.status, 401, "{authorization:?}, {what}");
        }
    }
    assert!(meshblu.called().is_empty());
}

#[tokio::test]
async fn whoever_cannot_be_authenticated_for_the_moment_is_told_so_whatever_is_wrong() {
    let meshblu = FakeMeshblu::start().await;
    meshblu.answer("POST /authenticate", [json_answer(503, &json!({"error": "not now"}))]);
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    for Wrong { what, brought, .. } in wrong(&gateway) {
        let answer = send(by_credentials(brought)).await;
        let told = (answer.status.as_u16(), answer.header("x-meshblu-delivery"));
        assert_eq!(told, (503, Some("open")), "{what}");
    }
}
