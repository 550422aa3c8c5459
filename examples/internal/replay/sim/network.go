package sim

import (
	"math"
	"math/bits"
)

// A network delays contacts, and loses some.
//
// What happens to one follows from the seed, the host and the time at which it was sent, and from
// nothing else: so whatever a policy does, it sees the delays and losses that the others see, and
// contacts may be left out without changing the fate of those that are not.
type network struct {
	seed          uint64
	delay, spread int64
	lost          uint64 // what is drawn below it
}

func newNetwork(c *Config) network {
	n := network{seed: mix(c.Seed), delay: int64(c.Delay), spread: int64(c.Spread)}
	if c.Loss > 0 {
		n.lost = uint64(math.Ldexp(c.Loss, 63)) << 1
	}
	return n
}

// send says when a contact arrives that is sent at a time, or that it does not.
func (n *network) send(host int32, at int64) (arrival int64, ok bool) {
	x := mix(n.seed + uint64(host)*0x9e3779b97f4a7c15 ^ mix(uint64(at)))
	if x < n.lost {
		return 0, false
	}
	more, _ := bits.Mul64(mix(x), uint64(n.spread)+1)
	return at + n.delay + int64(more), true
}

// phase is how long after a host's first moment its first heartbeat is sent.
func (n *network) phase(host int32, interval int64) int64 {
	share, _ := bits.Mul64(mix(n.seed^0x5bf03635+uint64(host)*0x9e3779b97f4a7c15), uint64(interval))
	return 1 + int64(share)
}

// mix is the finalizer of splitmix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
