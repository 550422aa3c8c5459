package schedulerd

import (
	"math"

	"github.com/hostlife/hostlife/examples/internal/cli"
)

const policyUsage = "when a silent host is evicted: fixed (after -multiple intervals),\n" +
	"tiered (overdue by more than -offline) or phi (after twice the silence that -phi means,\n" +
	"by the arrival history of each host)"

const (
	minPhi, maxPhi = 0.5, 1e6
	minMultiple    = 1.1
)

func (c Config) validatePolicies() error {
	if err := c.validatePolicy("policy", c.policy); err != nil || c.shadow == "" {
		return err
	}
	return c.validatePolicy("shadow", c.shadow)
}

func (c Config) validatePolicy(flag, name string) error {
	switch name {
	case "fixed":
		if !(c.multiple >= minMultiple) || math.IsInf(c.multiple, 0) { // nor NaN
			return cli.Usagef("-multiple %v is not a finite number of at least %v", c.multiple, minMultiple)
		}
	case "tiered":
		if c.jitter <= 0 || c.offline < max(c.jitter, minOffline) || c.offline > maxOffline {
			return cli.Usagef("-jitter %v must be above 0, and -offline %v from that, at least %v, to %v", c.jitter, c.offline, minOffline, maxOffline)
		}
	case "phi":
		if !(c.phi >= minPhi && c.phi <= maxPhi) {
			return cli.Usagef("-phi %v is not from %v to %v", c.phi, minPhi, maxPhi)
		}
		if c.offline < minOffline || c.offline > maxOffline {
			return cli.Usagef("-offline %v is not from %v to %v", c.offline, minOffline, maxOffline)
		}
	default:
		return cli.Usagef("-%s %q is not one of fixed, tiered and phi", flag, name)
	}
	return nil
}
