package replay

import (
	"slices"
	"strings"

	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/replay/outage"
	"github.com/hostlife/hostlife/examples/internal/replay/sim"
)

const (
	defaultPolicy   = "fixed:2" // of hostmgr.Config
	defaultPolicies = "fixed:2,fixed:3,tiered:30s/5m,phi:8"

	// recorded stands for the policy that a log was recorded with.
	recorded = "recorded"
)

// lists are lists of policies, separated by commas.
type lists struct {
	policies, curves string
	given            bool // -policies was
}

// check refuses policies that do not exist, before the trace is read.
func (l *lists) check(maybeLog bool) error {
	if !maybeLog && namesRecorded(l.policies) {
		return cli.Usagef("-policies %q: the trace is not a flight recorder's log", l.policies)
	}
	if _, err := parsePolicies("-policies", l.policies, defaultPolicy); err != nil {
		return err
	}
	if l.curves == "" {
		return nil
	}
	_, err := parsePolicies("-curves", l.curves, defaultPolicy)
	return err
}

// choose sets the policies to play, when the trace is known.
func (c *config) choose(t *outage.Trace) (err error) {
	list, usual := c.lists.policies, defaultPolicy
	_, known := parsePolicy(t.Policy)
	switch {
	case known && !c.lists.given:
		list, usual = recorded+","+list, t.Policy
	case known:
		usual = t.Policy
	case namesRecorded(list) && !c.isLog():
		return cli.Usagef("-policies %q: the trace is not a flight recorder's log", list)
	case namesRecorded(list):
		return cli.Usagef("-policies %q: the log names %.100q, which is not one of those that can be played", list, t.Policy)
	}
	if c.policies, err = parsePolicies("-policies", list, usual); err != nil {
		return err
	}
	c.usual, _ = parsePolicy(usual)
	return c.compare()
}

// compare adds the policies to compare with.
func (c *config) compare() error {
	if c.recommend {
		c.add(c.usual)
	}
	if !c.recommend && c.plot == "" {
		return nil
	}
	curves := c.lists.curves
	if curves == "" {
		curves = curvesOf(c.policies)
	}
	more, err := parsePolicies("-curves", curves, c.usual.name)
	for _, m := range more {
		c.add(m)
	}
	return err
}

// add adds a policy to play, unless it is played already.
func (c *config) add(p contender) {
	if !contains(c.policies, p) && !contains(c.more, p) {
		c.more = append(c.more, p)
	}
}

func contains(all []contender, p contender) bool {
	return slices.ContainsFunc(all, func(o contender) bool { return o.name == p.name })
}

func namesRecorded(list string) bool {
	for name := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(name) == recorded {
			return true
		}
	}
	return false
}

// parsePolicies reads a list, in which recorded stands for a policy. It returns each policy once.
func parsePolicies(flag, list, stands string) (found []contender, err error) {
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name == recorded {
			name = stands
		}
		c, ok := parsePolicy(name)
		if !ok {
			return nil, cli.Usagef("%s %q: there is no policy %q", flag, list, name)
		}
		if err := sim.Check(c.policy); err != nil {
			return nil, cli.Usagef("%s %q: %v", flag, name, err)
		}
		if !contains(found, c) {
			found = append(found, c)
		}
	}
	return found, nil
}

// curvesOf returns the policies on the curves of the families that are played.
func curvesOf(chosen []contender) string {
	var curves []string
	for i, f := range families {
		if slices.ContainsFunc(chosen, func(c contender) bool { return c.family == i }) {
			curves = append(curves, f.curve)
		}
	}
	return strings.Join(curves, ",")
}
