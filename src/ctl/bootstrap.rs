//! Giving the order to bootstrap, and waiting until it has been obeyed.

use std::io::Write;
use std::time::Duration;

use super::cli::Bootstrap;
use super::error::Error;
use super::judgement;
use super::order::{self, Order};
use super::scene::{self, Scene};
use super::show;
use crate::galera::published::{self, Phase};
use crate::ocf::{Deadline, wait_until};
use crate::sys::cluster;

/// How long the order may take to be seen by every node.
const VISIBLE: Duration = Duration::from_secs(10);

/// How often the cluster is asked while waiting.
const STEP: Duration = Duration::from_millis(500);

/// Gives the order that the words ask for.
pub(super) fn run(words: &Bootstrap, out: &mut dyn Write) -> Result<(), Error> {
    let cib = if words.dry_run {
        scene::cib(words.cib.as_deref())?
    } else {
        scene::running()?
    };
    let scene = Scene::of(cib, words.resource.as_deref())?;
    let order = if words.dry_run {
        order::plan(&scene, &words.from)?
    } else {
        order::accepted(&scene, &words.from, words.force)?
    };
    write!(out, "{}", announcement(&scene, &order, words))?;
    if words.dry_run {
        return Ok(());
    }
    if !order.needless {
        give(&scene, &order)?;
        writeln!(
            out,
            "Ordered. To withdraw it: {}",
            withdrawal(&scene, &order)
        )?;
    }
    if words.no_wait {
        return Ok(());
    }
    let deadline = Deadline::after(Duration::from_secs(words.wait));
    wait(&scene.resource, &order.node, &deadline, out)
}

/// What is going to happen.
fn announcement(scene: &Scene, order: &Order, words: &Bootstrap) -> String {
    let name = scene.called(&order.force.elector);
    if order.needless {
        return format!(
            "The election chooses {name} by itself: no order is needed.\n{}\n",
            scene.verdict()
        );
    }
    let place = match &order.force.position {
        Some(position) => position.to_string(),
        None => "a directory without a history".into(),
    };
    let head = format!(
        "Start from {name}, which reported {place}, after epoch {}.\n",
        order.force.epoch
    );
    let force = words.dry_run && !words.force && !order.losses.is_empty();
    let needed = if force { "It needs --force.\n" } else { "" };
    head + &show::losses(&order.losses) + needed
}

/// Writes the order, alone of its kind, and returns when every node can see it.
fn give(scene: &Scene, order: &Order) -> Result<(), Error> {
    let name = published::order_attribute(&scene.resource);
    let text = serde_json::to_string(&order.force)?;
    let deadline = Deadline::after(VISIBLE);
    for node in &order.earlier {
        cluster::set_attribute(node, &name, None, &deadline)?;
    }
    match cluster::set_attribute(&order.node, &name, Some(&text), &deadline) {
        // The agents may have obeyed and removed it before we could read it back.
        Err(cluster::ClusterError::Late(_)) if obeyed(scene, order)? => Ok(()),
        set => Ok(set?),
    }
}

fn obeyed(scene: &Scene, order: &Order) -> Result<bool, Error> {
    let now = Scene::of(cluster::look()?, Some(&scene.resource))?;
    Ok(now.outlook.epoch().number > order.force.epoch)
}

fn withdrawal(scene: &Scene, order: &Order) -> String {
    let name = published::order_attribute(&scene.resource);
    format!(
        "crm_attribute --node {} --lifetime reboot --name {name} --delete",
        order.node
    )
}

/// Waits until the node is a member, and tells what it waits for whenever that changes.
fn wait(resource: &str, node: &str, deadline: &Deadline, out: &mut dyn Write) -> Result<(), Error> {
    let mut told = String::new();
    let what = format!("{node} to be a member of the primary component (see galeractl explain)");
    wait_until(deadline, STEP, &what, || {
        let scene = Scene::of(cluster::look()?, Some(resource))?;
        let progress = progress(&scene, node);
        if progress.news != told {
            writeln!(out, "{}", progress.news)?;
            told = progress.news;
        }
        Ok::<_, Error>(progress.member.then_some(()))
    })
}

struct Progress {
    member: bool,
    news: String,
}

/// How far the node is, in a sentence.
fn progress(scene: &Scene, node: &str) -> Progress {
    let published = scene.outlook.published.get(node);
    let phase = published.map(|one| &one.phase);
    let member = matches!(phase, Some(Phase::Member(_)));
    let word = phase.map_or("silent", Phase::word);
    let news = if member {
        format!("{node}: {word}; {}", judgement::of(scene).text)
    } else {
        format!(
            "{node}: {word}; waiting until it is a member ({})",
            judgement::of(scene).text
        )
    };
    Progress { member, news }
}
