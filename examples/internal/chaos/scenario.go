package chaos

import (
	"fmt"

	"github.com/hostlife/hostlife/examples/internal/chaos/verify"
)

// minPeers leaves some hosts of each style, in addition to those that come and go.
const minPeers = 40

// A scenario is something that goes wrong.
type scenario struct {
	name, about string
	etcd        bool // on etcd, not Redis
	linked      bool // with a proxy between each scheduler and the engine
	replicated  bool // with a replica of Redis
	fault       func(*round) error
	proves      func(*verify.Report) error // nil, or whether the fault had the effect that it must have
}

// lostSome is for scenarios in which the engine loses writes.
func lostSome(r *verify.Report) error {
	if r.WritesLost < 10 {
		return fmt.Errorf("the engine has lost %d writes only: this proves nothing", r.WritesLost)
	}
	return nil
}

// buriedSome is for scenarios in which a scheduler is out of touch for longer than Lapse.
func buriedSome(r *verify.Report) error {
	if r.Buried == 0 {
		return fmt.Errorf("no scheduler was buried: this proves nothing")
	}
	return nil
}
