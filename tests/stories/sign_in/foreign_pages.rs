//! What pages of other origins may ask of the owner's API.

use reqwest::Method;

use super::House;
use crate::support::bus::send;

#[tokio::test]
async fn a_page_elsewhere_may_say_who_asks_by_authorization_alone() {
    let house = House::open().await;
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    for path in
        ["/credentials/x", "/Credentials/x/user-devices", "/%63redentials/x", "/c%72eDentials/x/nothing"]
    {
        let request = client.request(Method::OPTIONS, format!("{}{path}", house.url()));
        let request = request.header("origin", "https://elsewhere.example");
        let answer =
            send(request.header("access-control-request-headers", "authorization,x-meshblu-token")).await;
        assert_eq!(answer.status, 204, "{answer:?}");
        assert_eq!(answer.header("access-control-allow-headers"), Some("Authorization"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
}

#[tokio::test]
async fn a_session_opens_nothing_on_the_owner_s_api() {
    let house = House::open().await;
    let credentials = house.gateway.chain(42).await.credentials;
    let browser = house.signed_in().await;
    let name = browser.session_cookie();
    let cookie = format!("{name}={}", browser.cookies[&name]);
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    for (method, path) in [(Method::GET, ""), (Method::POST, "/user-devices"), (Method::DELETE, "")] {
        let url = format!("{}/credentials/{credentials}{path}", house.url());
        let answer = send(client.request(method, url).header("cookie", &cookie)).await;
        assert_eq!(answer.status, 401, "{answer:?}");
    }
}
