//! Accounts: from a file that only root can read, or from two parameters.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::ocf::Secret;

/// Rights of the group and of others.
const OTHERS: u32 = 0o077;

/// A name and a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The name.
    pub user: String,
    /// The password.
    pub password: Secret,
}

impl Account {
    /// The account of the file if one is given, else of the parameters; `None` when neither is.
    ///
    /// # Errors
    /// What is wrong with the file, without anything of its content.
    pub fn find(
        file: Option<&Path>,
        user: Option<&String>,
        password: Option<&Secret>,
    ) -> Result<Option<Self>, String> {
        if let Some(file) = file {
            return Self::load(file).map(Some);
        }
        let empty = || Secret::new(String::new());
        Ok(user.map(|user| Self {
            user: user.clone(),
            password: password.cloned().unwrap_or_else(empty),
        }))
    }

    /// MaxScale's own account of a new installation (documentation of its REST API).
    pub fn of_a_new_installation() -> Self {
        Self {
            user: "admin".to_owned(),
            password: Secret::new("mariadb".to_owned()),
        }
    }

    fn load(file: &Path) -> Result<Self, String> {
        let shown = file.display();
        let found = fs::metadata(file).map_err(|error| format!("credentials {shown}: {error}"))?;
        if found.mode() & OTHERS != 0 {
            let mode = found.mode() & 0o7777;
            return Err(format!(
                "credentials {shown} have mode {mode:04o}: others can read them; chmod 0600 {shown}"
            ));
        }
        let text =
            fs::read_to_string(file).map_err(|error| format!("credentials {shown}: {error}"))?;
        Self::from_text(&text)
            .ok_or_else(|| format!("credentials {shown} have no line user=NAME; add it"))
    }

    fn from_text(text: &str) -> Option<Self> {
        let value = |name: &str| {
            let mut values = text.lines().filter_map(|line| {
                let (key, value) = line.split_once('=')?;
                (key.trim() == name).then(|| value.trim().to_owned())
            });
            values.next_back()
        };
        Some(Self {
            user: value("user").filter(|user| !user.is_empty())?,
            password: Secret::new(value("password").unwrap_or_default()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_that_others_can_read_is_refused_without_showing_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "# ours\nuser = me\npassword=a=b \n").unwrap();
        let mode = |mode| fs::set_permissions(file.path(), fs::Permissions::from_mode(mode));
        mode(0o640).unwrap();
        let refused = Account::find(Some(file.path()), None, None).unwrap_err();
        assert!(refused.contains("mode 0640"), "{refused}");
        assert!(!refused.contains("a=b"), "{refused}");
        mode(0o600).unwrap();
        let found = Account::find(Some(file.path()), None, None)
            .unwrap()
            .unwrap();
        assert_eq!((&*found.user, found.password.reveal()), ("me", "a=b"));
        assert!(!format!("{found:?}").contains("a=b"));
    }

    #[test]
    fn without_a_file_the_parameters_count() {
        assert_eq!(Account::find(None, None, None), Ok(None));
        let user = "me".to_owned();
        let found = Account::find(None, Some(&user), None).unwrap().unwrap();
        assert_eq!((&*found.user, found.password.reveal()), ("me", ""));
        let missing = Account::find(Some(Path::new("/nonexistent")), Some(&user), None);
        assert!(missing.is_err());
    }
}
