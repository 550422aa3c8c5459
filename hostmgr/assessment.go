package hostmgr

import (
	"github.com/hostlife/hostlife/hostmgr/internal/detector"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// An assessment is the verdict on a host at one moment, and what it rests on. A host is assessed once
// for each event; the assessment is passed down, so what is decided, shown and recorded is the
// same.
type assessment struct {
	detector.Verdict
	learned bool              // the two below are set; otherwise the host has the timeouts of its interval
	own     detector.Timeouts // that the policies answered to history
	history detector.History
}

// learn looks up the host's own timeouts.
func (a *assessment) learn(e index.Entry, needHistory bool) {
	if a.learned = needHistory; needHistory {
		a.own, a.history = e.Learned()
	}
}

// timeouts are what the host is judged by. They are copied only where something was learned: a sweep
// would notice.
func (a *assessment) timeouts(e index.Entry) *detector.Timeouts {
	if a.learned {
		return &a.own
	}
	return e.Timeouts()
}
