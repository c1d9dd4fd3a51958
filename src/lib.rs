//! OCF resource agents and a toolkit for MariaDB Galera under Pacemaker.
//!
//! | module | holds |
//! |---|---|
//! | [`ocf`] | the OCF contract: actions, environment, parameters, meta-data, exit codes; knows no database |
//! | [`cib`] | the cluster's CIB as a typed snapshot |
//! | [`mycnf`] | the server's option files, as mariadbd reads them |
//! | [`galera`] | the agent `galera-rs`: reports, election, server, job |
//! | [`ctl`] | the command `galeractl` |
//! | [`maxscale`] | the agent `maxscale-rs`: process, REST API, routing health, active or passive |
//! | [`vip`] | the agent `vip-rs`: virtual addresses, announcements, conflicts |
//! | [`sys`] | what lies outside the process: programs, the cluster's tools, processes, the network, locks |

pub mod cib;
pub mod ctl;
pub mod galera;
pub mod maxscale;
pub mod mycnf;
pub mod ocf;
pub mod sys;
pub mod vip;
