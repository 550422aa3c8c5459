// Package hostlife is the map of this module; it has no code of its own.
//
//   - [github.com/hostlife/hostlife/hostmgr] knows which hosts are there: the
//     registry, and the policies that say how much silence is too much.
//   - [github.com/hostlife/hostlife/gc] runs periodic tasks, of whatever kind.
//   - [github.com/hostlife/hostlife/clock] is the time source of both, so that
//     both can be tested on a fake clock.
//
// The examples are a module of their own: examples/cluster runs all of it on real
// processes.
package hostlife
