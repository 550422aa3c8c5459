package feed

// A sighting is the latest that a feed has shown of a key.
type sighting struct {
	revision uint64
	deleted  bool
}

// sightings merge the pages of a snapshot with the changes, by revisions. Pages and changes may
// come in any order. So deletions are remembered, too. After the snapshot, sightings are empty.
type sightings struct {
	of    map[string]sighting
	pages []Mark // of the table when each page was read
}

// Has reports whether the table has a key. It may be called after the frame that made the reader
// Synced, until the next Apply. Records of former feeds that it does not have are gone.
func (s *sightings) Has(key string) bool {
	known, ok := s.of[key]
	return ok && !known.deleted
}

// merge notes what the feed shows of a key and reports whether it is news.
func (s *sightings) merge(key string, revision uint64, deleted bool) bool {
	if known, ok := s.of[key]; ok && known.revision >= revision {
		return false
	}
	s.of[key] = sighting{revision, deleted}
	return true
}

// read notes when a page was read.
func (s *sightings) read(at Mark) {
	if n := len(s.pages); n == 0 || s.pages[n-1] != at {
		s.pages = append(s.pages, at)
	}
}
