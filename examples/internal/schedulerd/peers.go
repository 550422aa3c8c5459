package schedulerd

import (
	"cmp"
	"errors"
	"maps"
	"sync"
	"time"
)

const (
	maxPeers = 1024     // of one host; how much all hosts' may take is Config's
	maxID    = 1 << 10  // bytes of a task's or peer's id, as of a host's
	maxURL   = 8 << 10  // bytes
	maxHost  = 16 << 10 // bytes of a host's metadata

	maxRequest = 128 << 10 // bytes
)

var (
	errNoHost       = errors.New("host is not there: announce it first")
	errNoPeer       = errors.New("peer is not registered")
	errNoTask       = errors.New("no host has a peer of this task")
	errTooManyPeers = errors.New("host has too many peers")
	errPeersFull    = errors.New("the peers of all hosts take as much memory as they may: see -max-peer-bytes")
)

// A peer is one host's replica of a task, or its attempt to get one. It keeps only what StatPeer
// returns, not the whole request.
type peer struct {
	peerKey
	cached           bool // the host has all of the task, and only tells of it
	state            string
	created, updated time.Time
}

// What a peer and a shelf take in addition to their texts, roughly: measured, with free space in maps.
const (
	peerSize  = 400
	shelfSize = 1500
)

func (p *peer) size() int64 { return int64(peerSize + len(p.task) + len(p.id)) }

// A peerStore holds the peers of all hosts. Peers belong to a registration of a host, not to its id: the end of a
// registration frees its peers, and no others.
type peerStore struct {
	maxBytes int64 // 0: no limit

	mu    sync.Mutex // guards all below
	hosts map[string]*shelf
	peak  int // the most hosts since hosts was made
	tasks tasks
	n     int   // peers
	bytes int64 // that peers, shelves and tasks take, roughly
}

// A shelf holds the peers of one registration.
type shelf struct {
	registration uint64
	peers        map[peerKey]peer
	peak         int   // the most peers since peers was made
	bytes        int64 // that it takes with them, roughly
}

type peerKey struct{ task, id string }

func keyOf(m peerMessage) peerKey { return peerKey{m.GetTaskId(), m.GetPeerId()} }

func newPeerStore(maxBytes int64) *peerStore {
	return &peerStore{maxBytes: maxBytes, hosts: map[string]*shelf{}, tasks: newTasks()}
}

// A finder looks up the registration that a peer's message is about.
type finder func() (registration uint64, err error)

// register puts a peer on the shelf of the registration that find finds.
//
// The host may depart at any moment in here, and its cleanup, which frees the
// shelf, may be over before the peer is put on it. So register looks up the registration
// again afterwards. Let R be the moment at which the registry removes the registration:
// the cleanup begins after R. If the second look-up came before R, the peer was on the
// shelf before R, and the cleanup finds it. If it came after R, it does not find the
// registration, and register frees the shelf itself. Either way no peer is leaked, no
// lock covers both steps, and no tombstone is needed.
func (s *peerStore) register(find finder, host string, p peer, t task) error {
	registration, err := find()
	if err != nil {
		return err
	}
	if err := s.put(host, registration, p, t); err != nil {
		return err
	}
	again, err := find()
	if err == nil && again == registration {
		return nil
	}
	s.free(host, registration)
	return cmp.Or(err, errNoHost)
}

// put registers a peer of a task, or replaces it. A shelf of an older registration is removed at
// once, because that registration has ended. A shelf of a newer registration stays.
func (s *peerStore) put(host string, registration uint64, p peer, t task) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh, ok := s.hosts[host]
	switch {
	case ok && sh.registration > registration:
		return errNoHost
	case ok && sh.registration < registration:
		s.remove(host, sh)
		ok = false
	}
	if !ok {
		sh = &shelf{registration: registration, peers: map[peerKey]peer{}}
	}
	more := p.size()
	old, again := sh.peers[p.peerKey]
	switch {
	case again:
		more -= old.size()
	case len(sh.peers) == maxPeers:
		return errTooManyPeers
	}
	if !ok {
		more += shelfSize + int64(len(host))
	}
	if sum := more + s.tasks.growth(&t); sum > 0 && s.maxBytes > 0 && s.bytes+sum > s.maxBytes {
		return errPeersFull
	}
	s.hosts[host] = sh
	s.peak = max(s.peak, len(s.hosts))
	s.bytes += s.tasks.put(t, !again)
	s.set(sh, p, more)
	return nil
}

// set puts a peer on a shelf, and adds size to its bytes. The caller holds mu.
func (s *peerStore) set(sh *shelf, p peer, more int64) {
	before := len(sh.peers)
	sh.peers[p.peerKey] = p
	sh.peak = max(sh.peak, len(sh.peers))
	s.n += len(sh.peers) - before
	sh.bytes += more
	s.bytes += more
}

// free removes the peers of a registration, and returns how many there were.
func (s *peerStore) free(host string, registration uint64) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh, ok := s.hosts[host]
	if !ok || sh.registration != registration {
		return 0
	}
	s.remove(host, sh)
	return len(sh.peers)
}

// remove removes a shelf. The caller holds mu.
func (s *peerStore) remove(host string, sh *shelf) {
	delete(s.hosts, host)
	s.n -= len(sh.peers)
	s.bytes -= sh.bytes
	for key := range sh.peers {
		s.bytes -= s.tasks.leave(key.task)
	}
	shrink(&s.hosts, &s.peak)
}

// shrink copies a map that has become mostly empty, because maps do not shrink.
func shrink[K comparable, V any](m *map[K]V, peak *int) {
	if *peak > 8 && len(*m) < *peak/4 {
		fresh := make(map[K]V, len(*m))
		maps.Copy(fresh, *m)
		*m, *peak = fresh, len(fresh)
	}
}

// get returns the peer, its task, and the registration that it belongs to.
func (s *peerStore) get(host string, key peerKey) (p peer, t task, registration uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.hosts[host]
	if sh == nil {
		return p, t, 0, errNoPeer
	}
	p, ok := sh.peers[key]
	if !ok {
		return p, t, 0, errNoPeer
	}
	return p, *s.tasks.byID[key.task], sh.registration, nil
}

// update records a report of a peer of the current registration.
func (s *peerStore) update(find finder, host string, key peerKey, r report) error {
	registration, err := find()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.hosts[host]
	if sh == nil || sh.registration != registration {
		return errNoPeer
	}
	p, ok := sh.peers[key]
	if !ok {
		return errNoPeer
	}
	p.updated = time.Now()
	p.state = cmp.Or(r.peer, p.state)
	sh.peers[key] = p
	s.tasks.byID[key.task].report(r.task, p.updated)
	return nil
}

// delete removes one peer. Its shelf stays until the registration ends.
func (s *peerStore) delete(host string, key peerKey) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.hosts[host]
	if sh == nil {
		return errNoPeer
	}
	if _, ok := sh.peers[key]; !ok {
		return errNoPeer
	}
	s.drop(sh, key)
	return nil
}

// deleteTask removes the peers that a host has of a task.
func (s *peerStore) deleteTask(host, task string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.hosts[host]
	if sh == nil {
		return
	}
	for key := range sh.peers {
		if key.task == task {
			s.drop(sh, key)
		}
	}
}

// drop takes a peer off a shelf. The caller holds mu.
func (s *peerStore) drop(sh *shelf, key peerKey) {
	p := sh.peers[key]
	delete(sh.peers, key)
	s.n--
	sh.bytes -= p.size()
	s.bytes -= p.size() + s.tasks.leave(key.task)
	shrink(&sh.peers, &sh.peak)
}

// task returns the task of some peers.
func (s *peerStore) task(id string) (task, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tasks.byID[id]
	if t == nil {
		return task{}, errNoTask
	}
	return *t, nil
}

func (s *peerStore) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}
