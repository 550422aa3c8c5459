package index

// Touch records a contact of the host with this hash, without any lock. An incarnation of 0 means
// any.
//
// It returns false, and changes nothing, in each unusual case: the host is unknown, suspect or of
// another incarnation; its hash collides; another heartbeat wrote at the same moment; the search
// reached the end of the bucket; or the bucket was rebuilt. The caller then finds the reason by
// Find or Lookup.
//
// Nearly every heartbeat needs no more than this. It is one short function, so the processor begins
// with the next heartbeat while it waits for the memory of this one. Touch and Find must find the
// same one of two registrations of an id: the older one until it has ended. So the search continues
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
