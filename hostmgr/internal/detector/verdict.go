package detector

// A Verdict says what the silence of a host means at one moment.
type Verdict struct {
	Word      int64 // for the caller: what the verdict is based on; not used here
	Contact   int64 // the last one
	Silence   int64 // since then, less StallTime
	StallTime int64 // since then
	SuspectAt int64 // after this moment the host is suspect
	EvictAt   int64 // after this moment it is due for eviction
	ReviewAt  int64 // contacts may make both earlier, but not earlier than this
	State     State
}

// Assess sets v to the verdict at now on a host with this last contact and these timeouts, which
// are its own. It leaves Word alone. The result depends only on the arguments and the stalls. So
// what is shown and what is decided are the same.
//
// Promise 4 is here: stall time is subtracted from the silence, and a stall postpones the
// deadlines, as does a gap of a slow driver.
func (s *Stalls) Assess(v *Verdict, contact int64, t *Timeouts, now int64) {
	log := &s.common
	v.StallTime = log.StallTime(contact, now)
	if t.Impatient() {
		log = &s.short
		v.StallTime = s.bounded(v.StallTime, log.StallTime(contact, now))
	}
	v.Contact = min(contact, now)
	v.Silence = max(0, now-contact-v.StallTime)
	v.setDeadlines(log, contact, t, now)
	v.setState(t, now)
}

func (v *Verdict) setDeadlines(log *StallLog, contact int64, t *Timeouts, now int64) {
	v.SuspectAt = expiry(contact+v.StallTime, t.Suspect)
	due := expiry(contact+v.StallTime, t.Evict)
	v.EvictAt = log.postpone(due, t, now)
	if log.driver.postpones() {
		v.EvictAt = log.afterGap(v.EvictAt, now)
	}
	if v.EvictAt > due {
		v.SuspectAt = min(v.SuspectAt, due) // until it is evicted, even if the policy suspects no host
	}
	v.ReviewAt = Never
	if t.NeedsHistory {
		v.ReviewAt = now + int64(t.Interval)
	}
}

func (v *Verdict) setState(t *Timeouts, now int64) {
	switch {
	case now > v.EvictAt:
		v.State = StateOffline
	case now > v.SuspectAt:
		v.State = StateSuspect
	case v.Silence > int64(t.Interval) && t.Interval != NeverInterval:
		v.State = StateLate
	default:
		v.State = StateAlive
	}
}

// Next returns when the host must be checked again if nothing changes: a nanosecond after its next
// deadline. suspect says whether the host is marked as suspect already.
func (v *Verdict) Next(suspect bool) int64 {
	if !suspect && v.SuspectAt < v.EvictAt {
		return min(v.SuspectAt+1, v.ReviewAt)
	}
	return min(v.EvictAt+1, v.ReviewAt)
}
