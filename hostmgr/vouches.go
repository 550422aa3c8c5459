package hostmgr

import (
	"github.com/hostlife/hostlife/hostmgr/internal/detector"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// vouches says until when the keepers of mirrored hosts vouch for them. Until then a mirrored host
// counts as heard, whatever this registry has heard of it. So a heartbeat costs nothing more, and
// a verdict takes the later of the two times. The registry's lock guards it.
//
// It is not generic, so that the compiler inlines what it calls: see assessment.assess.
type vouches struct{ until [256]int64 }

// vouch sets until when a keeper vouches: now + long. It reports whether the keeper begins to
// vouch, after it did not.
func (v *vouches) vouch(keeper uint8, now, long int64) (begins bool) {
	was, until := v.until[keeper], now+min(long, never-now)
	v.until[keeper] = until
	return was < now && until >= now
}

// judge corrects the verdict on a mirrored host.
func (v *vouches) judge(a *assessment, e index.Entry, stalls *detector.Stalls, now int64) {
	if !e.Mirrored() {
		return
	}
	if until := min(v.until[e.Keeper()], now); until > a.Contact {
		stalls.Assess(&a.Verdict, until, a.timeouts(e), now)
	}
	if e.Doubted() {
		a.SuspectAt = min(a.SuspectAt, a.Contact)
		a.State = max(a.State, detector.StateSuspect)
	}
}

// heard notes a contact here of a host that its keeper may suspect. The suspicion of the keeper no
// longer counts here, if the host would not be suspect by its contacts here. It returns the word by
// which it has decided so, or 0.
func (v *vouches) heard(e index.Entry, stalls *detector.Stalls, needHistory bool, now int64) (word int64) {
	if !e.Doubted() {
		return 0
	}
	own := ownVerdict(e, stalls, needHistory, now)
	if own.State < detector.StateSuspect {
		e.SetDoubted(false)
	}
	return own.Word
}

// ownVerdict returns the verdict on a host by its contacts here alone.
func ownVerdict(e index.Entry, stalls *detector.Stalls, needHistory bool, now int64) (a assessment) {
	a.assess(e, stalls, needHistory, now)
	return a
}
