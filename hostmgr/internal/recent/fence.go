package recent

// A Fence knows which incarnations of an id are over: those that have ended within the last 5
// minutes, and those that are kept out for a given time. The zero value is empty and ready to use.
// The memory is at most 3 MB, and none when all is forgotten.
type Fence struct {
	ends ends
	kept keptOut
}

// End remembers that an incarnation, and so all older ones, has ended. It does nothing if that is
// remembered already: so an end that is reported again is not remembered for longer. The next
// look-up decides that: if the earlier end has been forgotten by then, the later one counts. At
// most the latest 32,768 ends are remembered.
func (f *Fence) End(hash, incarnation uint64, now int64) { f.ends.add(hash, incarnation, now) }

// Learn is End for an incarnation that ended in an earlier process. It does nothing if that was
// more than 5 minutes before now.
func (f *Fence) Learn(hash, incarnation uint64, at, now int64) {
	if now-at <= window {
		f.End(hash, incarnation, now)
	}
}

// KeepOut refuses an incarnation, all older ones, and 0, from now until just before until. Of two
// calls for one id, the greater incarnation and the later time apply. KeepOut returns false, and
// changes nothing, if 32,768 other ids are kept out.
func (f *Fence) KeepOut(hash, incarnation uint64, now, until int64) (ok bool) {
	return f.kept.add(hash, incarnation, now, until)
}

// Empty reports whether nothing is remembered.
func (f *Fence) Empty() bool { return f.ends.first == f.ends.next && f.kept.ids == nil }

// Refuses reports whether an incarnation is over. 0 stands for an unknown one, which is over only
// while the id is kept out.
func (f *Fence) Refuses(hash, incarnation uint64, now int64) bool {
	if k, ok := f.kept.ids[hash]; ok && incarnation <= k.incarnation && now < k.until {
		return true
	}
	return incarnation != 0 && incarnation <= f.Ended(hash, now)
}

// Greatest returns the greatest incarnation that is over, or 0 if none is remembered.
func (f *Fence) Greatest(hash uint64, now int64) uint64 {
	greatest := f.Ended(hash, now)
	if k, ok := f.kept.ids[hash]; ok && now < k.until {
		greatest = max(greatest, k.incarnation)
	}
	return greatest
}

// Ended returns the latest incarnation that has ended, or 0 if none is remembered.
func (f *Fence) Ended(hash uint64, now int64) uint64 { return f.ends.latest(hash, now) }

// Expire forgets what is out of date.
//
// The caller holds a lock, so Expire takes a bounded time. It looks at all ids that are kept out at
// most once in 10 seconds.
func (f *Fence) Expire(now int64) {
	f.ends.expire(now)
	f.kept.expire(now)
}
