package schedulerd

import (
	"cmp"
	"errors"
	"sync"
	"time"

	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
)

const (
	maxPeers = 1024     // of one host
	maxID    = 1 << 10  // bytes of a task's or peer's id, as of a host's
	maxURL   = 8 << 10  // bytes
	maxHost  = 16 << 10 // bytes of a host's metadata
)

var (
	errNoHost       = errors.New("host is not there: announce it first")
	errNoPeer       = errors.New("peer is not registered")
	errTooManyPeers = errors.New("host has too many peers")
)

// A peer is one host's replica of a task, or its attempt to get one. It keeps
// only what StatPeer says of it, not the whole request.
type peer struct {
	task, id         string
	url              string
	state            string
	created, updated time.Time
}

// A peerStore holds the peers of all hosts. Peers belong to a life, not to a
// host id: what one life registered goes with it, whatever comes after.
type peerStore struct {
	mu    sync.Mutex // guards all below
	hosts map[string]*shelf
	peak  int // the most hosts since hosts was made
	n     int // peers
}

// A shelf holds the peers of one life.
type shelf struct {
	life  uint64
	peers map[peerKey]peer
}

type peerKey struct{ task, id string }

func keyOf(r interface {
	GetTaskId() string
	GetPeerId() string
}) peerKey {
	return peerKey{r.GetTaskId(), r.GetPeerId()}
}

func newPeerStore() *peerStore { return &peerStore{hosts: map[string]*shelf{}} }

// A finder looks up the life that a peer's message is about.
type finder func() (life uint64, err error)

// register puts a peer on the shelf of the life that find finds.
//
// The host may depart at any moment in here, and its cleanup, which frees the
// shelf, may be over before the peer is put on it. So register looks again
// afterwards. Let R be the moment at which the registry removes the life: the
// cleanup begins after R. If the second look came before R, so did the peer, and
// the cleanup finds it. If it came after R it shows that life no more, and
// register frees the shelf itself. Either way nothing is left behind, no lock is
// held over both, and there is no tombstone to keep.
func (s *peerStore) register(find finder, host string, p peer) error {
	life, err := find()
	if err != nil {
		return err
	}
	if err := s.put(host, life, p); err != nil {
		return err
	}
	again, err := find()
	if err == nil && again == life {
		return nil
	}
	s.free(host, life)
	return cmp.Or(err, errNoHost)
}

// put registers a peer, or registers it anew. A shelf of an older life gives way
// at once: there is a newer one, so that one is over. One of a newer life stays.
func (s *peerStore) put(host string, life uint64, p peer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh, ok := s.hosts[host]
	switch {
	case ok && sh.life > life:
		return errNoHost
	case !ok || sh.life < life:
		s.remove(host, sh)
		sh = &shelf{life: life, peers: map[peerKey]peer{}}
		s.hosts[host] = sh
		s.peak = max(s.peak, len(s.hosts))
	}
	key := peerKey{p.task, p.id}
	if _, ok := sh.peers[key]; !ok {
		if len(sh.peers) == maxPeers {
			return errTooManyPeers
		}
		s.n++
	}
	sh.peers[key] = p
	return nil
}

// free removes what a life registered, and returns how many peers that were.
func (s *peerStore) free(host string, life uint64) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh, ok := s.hosts[host]
	if !ok || sh.life != life {
		return 0
	}
	s.remove(host, sh)
	return len(sh.peers)
}

// remove also makes the map anew after a mass departure: maps do not shrink. The
// caller holds mu.
func (s *peerStore) remove(host string, sh *shelf) {
	if sh == nil {
		return
	}
	delete(s.hosts, host)
	s.n -= len(sh.peers)
	if s.peak > 64 && len(s.hosts) < s.peak/4 {
		fresh := make(map[string]*shelf, len(s.hosts))
		for h, sh := range s.hosts {
			fresh[h] = sh
		}
		s.hosts, s.peak = fresh, len(fresh)
	}
}

// get returns the peer and the life that it belongs to.
func (s *peerStore) get(host string, key peerKey) (p peer, life uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sh := s.hosts[host]; sh != nil {
		p, ok = sh.peers[key]
		life = sh.life
	}
	return p, life, ok
}

// update notes what a peer reports of itself that was registered in this life.
func (s *peerStore) update(find finder, host string, key peerKey, state string) error {
	life, err := find()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.hosts[host]
	if sh == nil || sh.life != life {
		return errNoPeer
	}
	p, ok := sh.peers[key]
	if !ok {
		return errNoPeer
	}
	if state != "" {
		p.state = state
	}
	p.updated = time.Now()
	sh.peers[key] = p
	return nil
}

// delete removes one peer. Its shelf stays until the life is over.
func (s *peerStore) delete(r *schedulerv2.DeletePeerRequest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.hosts[r.GetHostId()]
	if sh == nil {
		return errNoPeer
	}
	key := keyOf(r)
	if _, ok := sh.peers[key]; !ok {
		return errNoPeer
	}
	delete(sh.peers, key)
	s.n--
	return nil
}

func (s *peerStore) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}
