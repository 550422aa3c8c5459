package share

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
	"github.com/hostlife/hostlife/internal/effort"
)

var (
	simFirst = flag.Uint64("sim.first", 1, "the first seed of TestSimulation")
	simSeeds = flag.Int("sim.seeds", 0, "the number of seeds of each mix of faults; 0: a few")
	simTrace = flag.Bool("sim.trace", false, "print what happens")
)

// simFaults says what may happen in a simulation.
type simFaults struct{ crash, freeze, cut, down, lose, wipe, split, away, half bool }

// lossy reports whether the engine may lose what it has acknowledged.
func (f simFaults) lossy() bool { return f.lose || f.wipe || f.split || f.away }

// A simulation runs real registries that share a table in memory, in the time of a synctest bubble.
type simulation struct {
	seed         uint64
	faults       simFaults
	start        time.Time
	calmAt       time.Time // no faults begin from then on
	lapse        time.Duration
	leastTimeout time.Duration
	rnd          *rand.Rand
	lives        int
	oracle       *oracle

	mu          sync.Mutex // guards all below
	members     []*simMember
	primary     *tableOf
	old         *tableOf // the former primary while there are two, or nil
	reachOld    []bool   // by member
	disturbed   []time.Time
	interrupted []interruption
	aim         *absence        // nil: none
	restarts    map[string]bool // hosts whose process is to end
}

const (
	simTrouble = 5 * time.Minute
	simRest    = 6 * time.Minute
)

func (s *simulation) trace(format string, args ...any) {
	if *simTrace {
		fmt.Printf("%12v "+format+"\n", append([]any{time.Since(s.start).Round(time.Millisecond)}, args...)...)
	}
}

func (s *simulation) isCalm() bool            { return !time.Now().Before(s.calmAt) }
func (s *simulation) troubled() time.Duration { return max(0, time.Until(s.calmAt)) }

func (s *simulation) reach(number int) *tableOf {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.old != nil && s.reachOld[number] {
		return s.old
	}
	return s.primary
}

func (s *simulation) member(number int) *simMember {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.members[number]
}

// disturb notes that a fault begins or ends now.
func (s *simulation) disturb(format string, args ...any) {
	s.trace("FAULT "+format, args...)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disturbed = append(s.disturbed, time.Now())
}

// disturbedSince reports whether a fault began or ended in the minutes before a time, or since.
func (s *simulation) disturbedSince(t time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.disturbed, func(at time.Time) bool { return at.After(t.Add(-2 * time.Minute)) })
}

// registryConfig returns the configuration of all registries: by the seed.
func (s *simulation) registryConfig() (cfg hostmgr.Config[string]) {
	cfg.Policy, _ = s.policy()
	if s.seed/3%2 == 1 {
		cfg.EvictionLimit = hostmgr.EvictionLimit{MaxFraction: 0.3, PerSecond: 0.2, MaxHold: time.Minute}
	}
	if s.seed/6%2 == 1 {
		cfg.Pacing = hostmgr.Pacing{Min: simInterval, Max: 2 * simInterval, PerSecond: 1}
	}
	return cfg
}

// policy returns the policy of all registries, and its least timeout.
func (s *simulation) policy() (p hostmgr.Policy, least time.Duration) {
	switch s.seed % 3 {
	case 0:
		return hostmgr.Fixed(2), 2 * simInterval
	case 1:
		return hostmgr.Tiered{Jitter: 10 * time.Second, Offline: 15 * time.Second}, simInterval + 15*time.Second
	default:
		return hostmgr.PhiAccrual{Threshold: 8, MinOverdue: 5 * time.Second, MaxOverdue: 30 * time.Second}, simInterval + 5*time.Second
	}
}

func simulate(seed uint64, f simFaults) *oracle {
	s := &simulation{seed: seed, faults: f, start: time.Now(), rnd: rand.New(rand.NewPCG(seed, 7))}
	s.calmAt, s.restarts = s.start.Add(simTrouble), map[string]bool{}
	_, s.leastTimeout = s.policy()
	s.lapse = 5 * time.Second
	if f.split {
		s.lapse = 12 * time.Second
	}
	s.oracle = newOracle(s)
	m := Memory().(*memory)
	s.primary = m.Table()
	n := 3 + s.rnd.IntN(3)
	s.reachOld = make([]bool, n)
	s.members = make([]*simMember, n)
	for i := range n {
		s.members[i] = s.begin(i)
	}
	var hosts sync.WaitGroup
	for i := range 12 {
		h := s.newHost(i)
		hosts.Go(h.live)
	}
	s.trouble()
	hosts.Wait()
	time.Sleep(simRest)
	s.awaitReady()
	s.check()
	for number := range s.members {
		s.member(number).cancel()
	}
	for number := range s.members {
		<-s.member(number).ended
	}
	time.Sleep(2 * time.Minute) // of members that have crashed
	return s.oracle
}

// awaitReady waits until all members are ready. The links lose a message now and then at rest, too.
func (s *simulation) awaitReady() {
	for number := range s.members {
		for range 60 {
			if s.member(number).share.Ready() {
				break
			}
			time.Sleep(time.Second)
		}
	}
}

// isRegistered reports whether all registries have a registration.
func (s *simulation) isRegistered(k lifeKey) bool {
	for number := range s.members {
		m := s.member(number)
		if h, ok := m.reg.Get(k.host); !ok || h.Registration != k.registration {
			return false
		}
	}
	return true
}

// check checks that all members agree at rest: with each other, and with the table.
func (s *simulation) check() {
	shared := map[string]uint64{}
	for key, value := range recordsOf(s.reach(0)) {
		switch k := record.ParseKey(key); k.Kind {
		case record.KindHost:
			h, _ := record.DecodeHost(value)
			shared[k.ID] = h.Registration
		case record.KindGone:
			s.oracle.fail("%s is left over", key)
		}
	}
	for number := range s.members {
		m := s.member(number)
		own := map[string]uint64{}
		for h := range m.reg.All() {
			own[h.ID] = h.Registration
		}
		if !m.share.Ready() || fmt.Sprint(own) != fmt.Sprint(shared) {
			s.oracle.fail("%s: ready %v, hosts %v, not %v: %+v", m.name, m.share.Ready(), own, shared, m.share.Stats())
		}
		m.log.check()
	}
	if len(shared) > 0 {
		s.oracle.fail("hosts are left over: %v", shared)
	}
	s.oracle.check()
}

// Real registries share a table, and members, links and the engine fail in all ways. The oracle
// knows what really happened.
func TestSimulation(t *testing.T) {
	for name, f := range map[string]simFaults{
		"none":            {},
		"crash":           {crash: true},
		"freeze":          {freeze: true},
		"cut":             {cut: true},
		"half a link":     {half: true},
		"down":            {down: true},
		"all of them":     {crash: true, freeze: true, cut: true, down: true},
		"lost tail":       {lose: true},
		"wipe":            {wipe: true},
		"lost while away": {away: true},
		"split":           {split: true},
		"everything":      {crash: true, freeze: true, cut: true, down: true, lose: true, wipe: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			simulateMany(t, f)
		})
	}
}

func simulateMany(t *testing.T, f simFaults) {
	seeds := *simSeeds
	if seeds == 0 {
		seeds = 1
		if effort.Long() {
			seeds = 100
		}
	}
	var sum simFigures
	for i := range seeds {
		seed := *simFirst + uint64(i)
		synctest.Test(t, func(t *testing.T) {
			o := simulate(seed, f)
			sum.add(&o.figures)
			require.Empty(t, o.faults[:min(5, len(o.faults))], "seed %d: -run %q -sim.first %d -sim.seeds 1 -sim.trace", seed, t.Name(), seed)
		})
	}
	slices.Sort(sum.silence)
	t.Logf("%d seeds: %d contacts, %d registrations, %d left, %d replaced, %d evicted; %d departures written twice, %d cleaned twice, %d evicted that a member cut off still heard; silence at eviction p50 %v max %v",
		seeds, sum.contacts, sum.joins, sum.left, sum.replaced, sum.evicted, sum.departedTwice, sum.cleanedTwice, sum.evictedCut,
		quantile(sum.silence, 0.5), quantile(sum.silence, 1))
}

func (f *simFigures) add(more *simFigures) {
	f.contacts += more.contacts
	f.joins += more.joins
	f.left += more.left
	f.replaced += more.replaced
	f.evicted += more.evicted
	f.departedTwice += more.departedTwice
	f.cleanedTwice += more.cleanedTwice
	f.evictedCut += more.evictedCut
	f.silence = append(f.silence, more.silence...)
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))].Round(time.Millisecond)
}
