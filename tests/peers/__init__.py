"""Servers that this project did not write, for the tests to talk to.

A fake of ours confirms our own assumptions; a real server has its own. A test asks for one by
naming its fixture (`tests.peers.plugin`, known to every test):

    moto                       AWS Secrets Manager, Parameter Store; takes any signature
    moto_mended                the same, with mends of ours (`mended_moto`): not quite a peer
    ministack                  the same services, STS, IMDSv2; checks signatures and policies
    seaweedfs                  STS that verifies web identity tokens for real
    openbao                    Vault's interface: one that is unsealed, in development mode
    openbao_sealable           the same, initialised and unsealed by hand: to be sealed
    openbao_tls                the same behind TLS, with a certificate of a test authority
    kube                       Kubernetes's API server, with RBAC and its own etcd
    fake_gcs                   Cloud Storage: conditions of inserts, takes any credentials
    microburst                 puts AWS's errors between a client and moto
    key_vault                  Azure Key Vault, secrets and keys: a fake of ours, as none could
                               be had
    secret_manager             Google Secret Manager, REST and gRPC: a fake of ours, likewise
    secret_manager_tls         the same behind TLS
    cloud_kms                  the same with Google Cloud KMS beside it, over REST

One server of a kind is started for each worker of pytest-xdist, at the first test that asks for
it, on a free port of 127.0.0.1. It is stopped at the end of the session, or when the worker is
gone, however it went (`keeper`). That costs a few seconds and 100 to 300 MB for each; sharing
would save them and cost a protocol between the workers. Tests of one worker share its servers:
they keep apart by random prefixes, mounts or namespaces.

Where a server comes from:

1. an address in ``SKYKEEP_TEST_MOTO``, ``SKYKEEP_TEST_MINISTACK``, ``SKYKEEP_TEST_MICROBURST``,
   ``SKYKEEP_TEST_OPENBAO`` (with ``SKYKEEP_TEST_OPENBAO_TOKEN``): a container, an account;
2. else the environment that ``make peers`` prepares in ``~/.cache/skykeep-peers``, or where
   ``SKYKEEP_PEERS_CACHE`` says, from ``requirements/peers.txt``, and what it builds there
   (`building`);
3. else its tests are skipped, counted, and named with the reason in the last lines of the run.
   With ``CI`` or ``SKYKEEP_REQUIRE_PEERS`` set they fail, unless ``absent.toml`` says why
   the server cannot be had.

What belongs here: starting and stopping, faults on the way (`faults`), certificates for tests,
and in ``fakes/`` what nobody offers as a server. What does not: tests of drivers.
"""
