//! The five messages of the demonstration.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::stage::{Api, Exchange, Stage};
use super::telling;
use crate::cli::CommandError;

const JOB: &str = "ListEventsByUser";

/// Plays all of them, one after the other; each has to end as it should.
pub(super) async fn play(stage: &mut Stage, out: &mut dyn Write) -> Result<(), CommandError> {
    success(stage, out).await?;
    wrong_data(stage, out).await?;
    unknown_job(stage, out).await?;
    api_error(stage, out).await?;
    revoked(stage, out).await
}

async fn success(stage: &mut Stage, out: &mut dyn Write) -> Result<(), CommandError> {
    title("1. A job that succeeds", out)?;
    let exchange = stage.exchange(JOB, json!({"username": "octocat"})).await?;
    tell(&exchange, out)?;
    if code(&exchange.reply) == 200 {
        return Ok(());
    }
    let hint = match stage.api {
        Api::StandIn(_) => "",
        Api::Real => "; without a GitHub token the demonstration needs no network",
    };
    let text = exchange.reply["metadata"]["error"]["message"].as_str().unwrap_or("the job failed");
    Err(CommandError::Demonstration(format!("{text}{hint}")))
}

async fn wrong_data(stage: &mut Stage, out: &mut dyn Write) -> Result<(), CommandError> {
    title("2. Data that the job's schema does not allow", out)?;
    let exchange = stage.exchange(JOB, json!({"username": 42})).await?;
    tell(&exchange, out)?;
    let names_field = exchange.reply["data"]["errors"].to_string().contains("username");
    expect(code(&exchange.reply) == 422 && names_field, "wrong data were not refused")
}

async fn unknown_job(stage: &mut Stage, out: &mut dyn Write) -> Result<(), CommandError> {
    title("3. A job that nobody has", out)?;
    let exchange = stage.exchange("ListTheUnlistable", json!({})).await?;
    tell(&exchange, out)?;
    expect(code(&exchange.reply) == 404, "an unknown job was not refused")
}

async fn api_error(stage: &mut Stage, out: &mut dyn Write) -> Result<(), CommandError> {
    title("4. The API answers with an error", out)?;
    let user = stage.api.troubled_user();
    let exchange = stage.exchange(JOB, json!({"username": user})).await?;
    tell(&exchange, out)?;
    if let Api::StandIn(_) = stage.api {
        telling::remark("(the API said 500, and said it again at two more attempts)", out)?;
    }
    let entry = stage.last_error().await?;
    writeln!(out, "   status device of the user device, read by its owner over the bus:")?;
    telling::message("entry", &entry, out)?;
    let told = code(&exchange.reply) >= 400 && entry["code"] == exchange.reply["metadata"]["code"];
    expect(told, "the API's error was not told")
}

async fn revoked(stage: &mut Stage, out: &mut dyn Write) -> Result<(), CommandError> {
    title("5. The first message again, after the user device was cut off", out)?;
    stage.revoke().await?;
    let (message, received) = stage.unanswered(JOB, json!({"username": "octocat"})).await?;
    telling::message("sent", &message, out)?;
    received.iter().try_for_each(|reply| telling::message("received", reply, out))?;
    expect(received.is_empty(), "a revoked device was answered")?;
    writeln!(out, "   no reply, nothing opened")?;
    telling::remark("(no work came of it, and the flow's own marker, sent afterwards, arrived first)", out)?;
    Ok(())
}

fn title(text: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{text}")
}

fn tell(exchange: &Exchange, out: &mut dyn Write) -> io::Result<()> {
    telling::message("sent", &exchange.message, out)?;
    telling::message("received", &exchange.reply, out)?;
    telling::remark(&format!("after {}", telling::milliseconds(exchange.took)), out)
}

fn code(reply: &Value) -> u64 {
    reply["metadata"]["code"].as_u64().unwrap_or_default()
}

fn expect(holds: bool, otherwise: &str) -> Result<(), CommandError> {
    if holds { Ok(()) } else { Err(CommandError::Demonstration(otherwise.to_owned())) }
}
