package index

// Touch records a contact of the host that has this hash, without any lock. An incarnation of 0
// stands for any.
//
// It returns false, and has done nothing, if anything is unusual: the host is unknown, suspect or
// of another incarnation, its hash collides, another heartbeat wrote at the same moment, the search
// reached the end of the bucket, or the bucket was rebuilt. The caller then finds out which it is by
// Find or Lookup.
//
// This is all that nearly every heartbeat does, and it is in one piece: so short that the processor
// begins with the next heartbeat while it waits for the memory of this one. Touch and Find must find
// the same of two registrations of one id, the older one until it has ended. So the search goes on
// only behind a registration that has ended.
func (x *Index) Touch(h Hash, incarnation uint64, at int64) (Header, bool) {
	b := x.bucket(h)
	for i := b.slot(h); i < len(b.headers); i++ {
		s := &b.headers[i]
		found := s.loadHash()
		if found == h && s.accepts(incarnation) && b.words[i].tryTouch(at) {
			return s.header(), true
		}
		if found == 0 || found == h && b.words[i].live() {
			break
		}
	}
	return Header{}, false
}
