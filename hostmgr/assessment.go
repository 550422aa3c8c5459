package hostmgr

import (
	"github.com/hostlife/hostlife/hostmgr/internal/detector"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// An assessment is the verdict on a host at one moment, with the data behind it. A host is assessed
// once for each event, and the assessment is passed down. So the decision, the event and the record
// agree.
type assessment struct {
	detector.Verdict
	learned bool              // own and history are set; otherwise the timeouts of the interval apply
	own     detector.Timeouts // the answer of the policies to history
	history detector.History

	judgement string    // of the embedder, by Evict
	elsewhere *Evidence // of a departure that another member has decided; else nil
}

// assess is view.assess. It is not generic, so that the compiler inlines what it calls: in a
// generic function, which is compiled in the embedder's package, each would be a call
// (golang/go#56280).
func (a *assessment) assess(e index.Entry, stalls *detector.Stalls, needHistory bool, now int64) {
	a.learn(e, needHistory)
	a.Word = e.Word()
	stalls.Assess(&a.Verdict, index.ContactOf(a.Word), a.timeouts(e), now)
}

// last returns the last contact of a host that departs, by all that is known.
func (a *assessment) last(e index.Entry, now int64) int64 {
	switch {
	case a.elsewhere != nil:
		return now - int64(a.elsewhere.Silence+a.elsewhere.StallTime)
	case e.Mirrored():
		return a.Contact // until which its keeper vouched for it
	}
	return index.ContactOf(a.Word)
}

// learn sets the timeouts that follow from the arrival history of the host, if any policy needs it.
func (a *assessment) learn(e index.Entry, needHistory bool) {
	if a.learned = needHistory; needHistory {
		a.own, a.history = e.Learned()
	}
}

// timeouts returns the timeouts of the host. Only timeouts from an arrival history were copied:
// copying all timeouts would slow down a sweep.
func (a *assessment) timeouts(e index.Entry) *detector.Timeouts {
	if a.learned {
		return &a.own
	}
	return e.Timeouts()
}
