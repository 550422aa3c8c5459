package hostmgr

import (
	"fmt"
	"math"
	"time"
)

// Adaptive learns the rhythm of each host, from the gaps between its signs of life: their
// mean and deviation, in which the latest 64 count most, and what lies further back less and
// less. It is the phi accrual failure detector of Hayashibara, Défago, Yared and Katayama
// (2004) between two hard limits. A host is suspect as soon as the chance that a beat comes
// this late is below 10^-Phi, or halfway to its eviction; and evicted after twice the silence
// that Phi means, but no sooner than Least nor later than Most.
//
// So a host that beats like clockwork is suspect within a fifth of its interval and evicted
// soon after the second beat that is missing, and one whose beats straggle is given time.
// Gaps are taken to be normally distributed (by the logistic approximation of Bowling,
// Khasawneh, Kaewkuekool and Cho 2009, which other implementations use as well, so that a
// Phi means the same), with a deviation of at least a 64th of the interval, and of a quarter
// of it until eight beats were heard. A host whose interval changes is learned from the
// beginning, as is one that was evicted.
//
// The influence of one gap is bounded: see Pulse. So a host that beats like clockwork, and pauses
// once, for however long, keeps a timeout below twice the former one. A host whose gaps have become
// longer for good is learned all the same: gaps of twice the interval within a dozen, gaps of six
// times the interval within 30.
//
// Do not use it where silence has to be explained to somebody by a number in a
// configuration; where hosts beat much less often than things change for them (after a move
// to a slow network the first beats are late by what was learned in the old one); where beats
// are lost in bursts, which no deviation foresees; or where a Cadence changes intervals all the
// time. It costs some 100 bytes a host, and heartbeats take about twice as long.
type Adaptive struct {
	// Phi is the score at which a host is suspect. Zero means 8: one in 10^8.
	Phi float64
	// Least and Most bound how long a sign of life is overdue (silence less interval) when
	// its host is evicted. Zero means one interval (or Most, if that is less), and 5 minutes.
	Least, Most time.Duration
}

// Patience implements Policy.
func (a Adaptive) Patience(p Pulse) (suspect, evict time.Duration) {
	a = a.withDefaults(p.Interval)
	return a.patience(p, deviations(a.Phi))
}

// A prepared Adaptive has reckoned what its Phi means, which takes longer than all the rest.
type prepared struct {
	Adaptive
	late float64
}

// prepare returns a policy that answers as p does, maybe sooner.
func prepare(p Policy) Policy {
	if a, ok := p.(Adaptive); ok {
		return prepared{a, deviations(a.withDefaults(0).Phi)}
	}
	return p
}

// Patience implements Policy.
func (a prepared) Patience(p Pulse) (suspect, evict time.Duration) {
	return a.withDefaults(p.Interval).patience(p, a.late)
}

// patience of an Adaptive that is filled in, whose Phi means so many deviations.
func (a Adaptive) patience(p Pulse, late float64) (suspect, evict time.Duration) {
	quiet := quiet(p, late)
	evict = p.Interval + min(max(2*quiet-p.Interval, a.Least), a.Most)
	return max(p.Interval, min(quiet, p.Interval+(evict-p.Interval)/2)), evict
}

// Learns asks for all of a Pulse: see Policy.
func (Adaptive) Learns() bool { return true }

// quiet is the silence that is late by so many deviations.
func quiet(p Pulse, late float64) time.Duration {
	mean, deviation := float64(p.Mean), max(float64(p.Deviation), float64(p.Interval)/64)
	if p.Beats < fewGaps {
		mean, deviation = float64(p.Interval), max(deviation, float64(p.Interval)/4)
	}
	return time.Duration(min(mean+deviation*late, maxPatience/4))
}

// deviations is by how many deviations a beat is late whose score is phi: the root of
// 0.070566 y^3 + 1.5976 y = ln(1/p - 1), where p = 10^-phi, by the formula with hyperbolic
// functions (it has but one). Nothing in it overflows, nor becomes zero that should not.
func deviations(phi float64) float64 {
	const cubic, linear = 0.070566, 1.5976
	log := phi*math.Ln10 + math.Log1p(-math.Pow(10, -phi))
	q, r := linear/cubic/3, log/cubic/2
	return 2 * math.Sqrt(q) * math.Sinh(math.Asinh(r/(q*math.Sqrt(q)))/3)
}

func (a Adaptive) withDefaults(interval time.Duration) Adaptive {
	if a.Phi == 0 {
		a.Phi = 8
	}
	if a.Most == 0 {
		a.Most = 5 * time.Minute
	}
	if a.Least == 0 {
		a.Least = min(interval, a.Most)
	}
	return a
}

func (a Adaptive) validate() error {
	what := ""
	switch d := a.withDefaults(0); {
	case math.IsNaN(d.Phi) || d.Phi < 0.5 || d.Phi > 1e6:
		what = "Phi is not between 0.5 and a million"
	case d.Least < 0 || d.Most < 0:
		what = "a negative duration"
	case d.Most < d.Least:
		what = "Most comes before Least"
	case d.Most > maxPatience:
		what = "Most is longer than 36 years"
	default:
		return nil
	}
	return fmt.Errorf("%w: Adaptive{Phi: %v, Least: %v, Most: %v}: %s", ErrInvalid, a.Phi, a.Least, a.Most, what)
}
