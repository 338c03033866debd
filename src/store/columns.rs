//! How our own types stand in columns.

use std::sync::Arc;

use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use super::{Ending, Moment, RenewalStage, TokenHash, Work};
use crate::ambient::Timestamp;
use crate::message::{DeliveryId, DeviceUuid, Done};

/// A number of what is never negative. Columns keep it up to the greatest number that they have.
pub(super) struct Count(pub(super) u64);

/// The text of a column, as long as nobody asks for the next row.
pub(super) fn text<'r>(row: &'r Row<'_>, at: usize) -> rusqlite::Result<&'r str> {
    Ok(row.get_ref(at)?.as_str()?)
}

/// Has a type be kept in a column as another: written as what is made of it, and made of what is read.
macro_rules! column {
    ($name:ident as $kept:ty, |$own:pat_param| $written:expr, $read:expr) => {
        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                let $own = self;
                Ok($written.into())
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                <$kept>::column_result(value).map($read)
            }
        }
    };
}

column!(DeviceUuid as Arc<str>, |uuid| uuid.as_str(), Self::from);
column!(DeliveryId as Arc<str>, |id| id.as_str(), Self::from);
column!(TokenHash as [u8; 32], |Self(hash)| hash.as_slice(), Self);
column!(Timestamp as i64, |time| time.as_millis(), Self::from_millis);
column!(Moment as i64, |Self(number)| *number, Self);
column!(Count as i64, |Self(count)| i64::try_from(*count).unwrap_or(i64::MAX), |count| Self(
    count.unsigned_abs()
));
column!(RenewalStage as i64, |stage| *stage as i64, Self::of);
column!(Work as i64, |work| *work as i64, |code| if code == Self::Job as i64 {
    Self::Job
} else {
    Self::Webhook
});
column!(
    Done as i64,
    |done| match done {
        Self::No => 0,
        Self::Yes => 1,
        Self::Unknown => 2,
    },
    |code| match code {
        0 => Self::No,
        1 => Self::Yes,
        _ => Self::Unknown,
    }
);

impl ToSql for Ending {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl FromSql for Ending {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::of(value.as_str()?).ok_or(FromSqlError::InvalidType)
    }
}
