package index

// idleBuckets is how many buckets without a host that is due one SweepNext reads: some 10
// microseconds.
const idleBuckets = 8

// SweepNext checks the bucket that is due first. If no host is due there, it goes on with the next
// bucket, up to 8 buckets. It returns how many entries these have, and whether another bucket was
// due when the sweep began.
//
// check is called for each entry that may be due at now, and returns when the entry needs the next
// check. It may remove the entry, change it and call Lower, but must not call SetTimeouts, Reserve,
// Insert or Shrink.
func (x *Index) SweepNext(now, began int64, check func(Entry) int64) (scanned int, more bool) {
	idle := true
	for i := 0; i < idleBuckets && idle && x.deadlines.next() <= began; i++ {
		b := x.deadlines[0].bucket
		scanned += b.live
		next := min(b.earliestDeadline()+1, never)
		if idle = next > now; !idle {
			next = x.checkBucket(b, now, check)
		}
		x.deadlines.set(b, next)
		x.shrink(b)
	}
	return scanned, x.deadlines.next() <= began
}

// checkBucket calls check for the entries that may be due, and returns when the bucket is due next.
// An entry is skipped without a call if its timeout has not passed, because stalls only add to a
// timeout. A sweep spends most of its time there.
func (x *Index) checkBucket(b *bucket, now int64, check func(Entry) int64) int64 {
	x.least = b.minTimeouts(x.least[:0])
	next, words, least := none, b.words, x.least
	metas := b.metas[:len(words)]
	for i := range words {
		v := words[i].load()
		if v < 0 { // ended: its meta says nothing
			continue
		}
		at := ContactOf(v) + least[int(metas[i].timeouts)<<1|int(v&suspectBit)] + 1
		if at >= next {
			continue
		}
		if b.arrivals != nil {
			at = Entry{b, i}.nextCheck(v, now)
		}
		if at <= now {
			at = check(Entry{b, i})
		}
		next = min(next, at)
	}
	if next == none {
		return never
	}
	return next
}

// none is the contact in the word of a free slot. Deadlines from none on never pass, because the
// latest time is before it: see monotime.Last.
const none = never + Earliest

// nextCheck returns when an entry with an arrival history needs a check: when its timeout has
// passed. A contact before then may change the timeout, but not to less than the interval.
func (e Entry) nextCheck(word, now int64) int64 {
	t := e.EffectiveTimeouts()
	at := ContactOf(word) + t.Wait(IsSuspect(word)) + 1
	if t.NeedsHistory {
		at = min(at, now+int64(t.Interval))
	}
	return at
}

// MayBeDue calls yield for the entries of a bucket of DueBuckets, unless none of them can be due at
// now. yield may change the entries, but must not move or remove them.
func (x *Index) MayBeDue(h Hash, now int64, yield func(Entry)) {
	b := x.bucket(h)
	if b.earliestDeadline() >= now {
		return
	}
	for e := range b.entries() {
		yield(e)
	}
}
