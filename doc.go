// Package hostlife is the map of this module. It has no code of its own.
//
//   - [github.com/hostlife/hostlife/hostmgr] tracks which hosts are alive. It has the registry, and
//     the policies that say how much silence evicts a host.
//   - [github.com/hostlife/hostlife/hostmgr/announcer] is the side of the host: it announces the
//     host, repeats what is lost, and leaves at the end.
//   - [github.com/hostlife/hostlife/hostmgr/share] gives the registries of several processes one
//     view of the hosts.
//   - [github.com/hostlife/hostlife/hostmgr/hosttest] is for tests: it runs a registry on a clock
//     that the test moves, and checks policies.
//   - [github.com/hostlife/hostlife/hostmgr/hostweb] shows a registry live, in a browser.
//   - [github.com/hostlife/hostlife/hostmgr/flight] reads the log of a registry's flight recorder,
//     and replays it with any policy.
//   - [github.com/hostlife/hostlife/gc] runs periodic tasks of any kind.
//   - [github.com/hostlife/hostlife/histogram] has the distributions of the statistics.
//   - [github.com/hostlife/hostlife/clock] is the time source of all, so that a test can use a fake
//     clock.
//
// Further modules are in the same repository. contrib/hostprom exports the statistics to Prometheus.
// contrib/hostredis and contrib/hostetcd are stores for shared registries. examples has programs
// that run real processes, examples/dragonfly puts a registry in place of Dragonfly's host manager,
// and benchmarks compares the registry with what a Go developer would use instead.
package hostlife
