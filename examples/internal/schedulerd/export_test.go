package schedulerd

// A PeerStore is a peerStore for tests that decide what happens in between.
type PeerStore struct{ s *peerStore }

func NewPeerStore() PeerStore { return PeerStore{newPeerStore()} }

func (p PeerStore) Register(find func() (uint64, bool), host, id string) error {
	finder := func() (uint64, error) {
		life, ok := find()
		if !ok {
			return 0, errNoHost
		}
		return life, nil
	}
	return p.s.register(finder, host, peer{task: "task", id: id})
}

func (p PeerStore) Free(host string, life uint64) int { return p.s.free(host, life) }
func (p PeerStore) Len() int                          { return p.s.len() }
