// Package sharing measures what registries that share one view cost, and how fast they are: on a
// real Redis and a real etcd, with members that are processes of their own.
package sharing

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hostlife/hostlife/benchmarks/internal/engine"
)

// Options say what to measure.
type Options struct {
	Hosts    int // that all members share
	Many     int // hosts of the large snapshot; 0 leaves it out
	Members  int
	Interval time.Duration // between two contacts of a host; its timeout is twice as long
	Lapse    time.Duration // of a member
	For      time.Duration // that each steady state is watched
	Engines  []string
	Only     []string // measures; empty for all
}

// Defaults are the sizes for which there are limits.
func Defaults() Options {
	return Options{
		Hosts: 100_000, Many: 1_000_000, Members: 3, Interval: 10 * time.Second, Lapse: 5 * time.Second,
		For: 20 * time.Second, Engines: []string{engine.Redis, engine.Etcd},
	}
}

// Check returns an error for what cannot be measured.
func (o *Options) Check() error {
	switch {
	case o.Members < 1 || o.Members > 50:
		return fmt.Errorf("%d members, not 1 to 50", o.Members)
	case o.Hosts < 100*o.Members:
		return fmt.Errorf("%d hosts, fewer than %d", o.Hosts, 100*o.Members)
	case o.Many < 0:
		return fmt.Errorf("%d hosts in the large snapshot, fewer than 0", o.Many)
	case o.Interval < time.Second || o.For < time.Second:
		return fmt.Errorf("an interval of %v, watched for %v: each is at least 1 s", o.Interval, o.For)
	}
	for _, name := range o.Only {
		if !slices.Contains(Names(), name) {
			return fmt.Errorf("there is no measure %q; there are %s", name, strings.Join(Names(), ", "))
		}
	}
	for _, kind := range o.Engines {
		if kind != engine.Redis && kind != engine.Etcd {
			return fmt.Errorf("there is no engine %q; there are %s, %s", kind, engine.Redis, engine.Etcd)
		}
	}
	return nil
}
