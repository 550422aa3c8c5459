// Package hostlife is the map of this module; it has no code of its own.
//
//   - [github.com/hostlife/hostlife/hostmgr] knows which hosts are there: the
//     registry, and the policies that say how much silence is too much.
//   - [github.com/hostlife/hostlife/hostmgr/hostweb] shows a registry live, in a
//     browser.
//   - [github.com/hostlife/hostlife/hostmgr/flight] reads what a registry's flight
//     recorder wrote, and judges it again.
//   - [github.com/hostlife/hostlife/gc] runs periodic tasks, of whatever kind.
//   - [github.com/hostlife/hostlife/histogram] is what the distributions in the
//     statistics are: percentiles, and the bars for whoever exports them.
//   - [github.com/hostlife/hostlife/clock] is the time source of the first two, so
//     that they can be tested on a fake clock.
//
// contrib/hostprom, a module of its own, hands the statistics to Prometheus.
// The examples are a module of their own: examples/cluster runs all of it on real
// processes.
package hostlife
