//! The stylesheet.

use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;

use crate::console::STYLE;

/// `GET /console/style.css`.
pub(in crate::http) async fn style() -> HttpResponse {
    let mut answer = HttpResponse::Ok();
    answer.insert_header((CACHE_CONTROL, "public, max-age=300"));
    answer.content_type("text/css; charset=utf-8").body(STYLE)
}
