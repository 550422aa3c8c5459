package hostmgr

// Await makes Take return a host that another member keeps when it next has a contact here. It does
// nothing for other hosts. A host that another registration or another keeper takes over is not
// awaited any more.
//
// The contact word has the mark of a suspect meanwhile, although the host is none. So only that
// contact takes the lock, and no other heartbeat pays for it.
func (s *Sharing[M]) Await(id string, registration uint64) {
	hash := s.r.index.Hash(id)
	st, _ := s.r.lock()
	defer s.r.unlock()
	if e, ok := st.find(hash, id, registration); ok && e.Mirrored() {
		for !e.MarkSuspect(e.Word()) { // a contact came in between
		}
	}
}
