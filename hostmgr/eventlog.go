package hostmgr

import (
	"fmt"
	"time"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr/internal/eventlog"
	"github.com/hostlife/hostlife/hostmgr/internal/monotime"
)

const (
	formatVersion = 2           // of the event log: see package flight
	writeGrace    = time.Second // of real time, for a Write that hangs: at the end of Run, and in Sweep
)

// newEventLog returns the event log of Config.Recorder, or nil without one.
func newEventLog[M any](cfg Config[M], c *monotime.Clock) *eventlog.Log {
	return eventlog.New(eventlog.Config{
		Writer: cfg.Recorder,
		Header: func(l eventlog.Record) {
			l.Num("version", formatVersion)
			l.Num("start", c.Reading(0).UnixNano())
			l.Text("policy", describe(cfg.Policy))
		},
		Failed: func(records uint64, err error) {
			cfg.Logger.Error("the flight recorder failed", "records", records, "err", brief(err))
		},
		Hung:  func() { cfg.Logger.Error("the flight recorder hangs, and is left behind") },
		Now:   c.Now,
		Grace: func() <-chan time.Time { return clock.System().After(writeGrace) },
	})
}

// describe returns the name of a policy, as the replay command understands it.
func describe(p Policy) string {
	switch p := p.(type) {
	case Fixed:
		return fmt.Sprintf("fixed:%v", float64(p))
	case Tiered:
		p = p.withDefaults()
		return fmt.Sprintf("tiered:%v/%v", p.Jitter, p.Offline)
	case PhiAccrual:
		return fmt.Sprintf("phi:%v/%v/%v", p.withDefaults(0).Threshold, p.MinOverdue, p.MaxOverdue)
	default:
		return fmt.Sprintf("%T", p)
	}
}
