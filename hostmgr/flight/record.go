package flight

import (
	"errors"
	"fmt"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// Version is the version of the format that this package reads. It refuses logs of other versions.
const Version = 2

// A Record is one line of a log. Its kind decides which fields are set.
type Record struct {
	Kind string
	Line int // the number of the line, from 1
	At   time.Time

	ID           string
	Registration uint64
	Incarnation  uint64
	Zone         string

	LastContact  time.Time       // before the silence
	History      hostmgr.History // the interval; with a HistoryPolicy also what was learned
	Timeout      time.Duration   // of the policy of the recording; 0: silence never evicts
	Due          time.Time       // the first deadline that passed; zero: none did
	StallTime    time.Duration   // the part of the silence that does not count
	LastSweep    time.Time
	StalledSince time.Time // the begin of a stall that was not over at At; zero: there is none

	By    string    // what holds the host, or held it
	Since time.Time // when that began

	From  time.Time     // the begin of a stall
	Limit time.Duration // the gap that the stall exceeded
	Given time.Duration // of a gap: the limit that it did not exceed

	Judgement string // of the embedder that evicted the host, whatever its silence; empty: silence did

	Lost   uint64 // the number of records that found no room
	Policy string // the policy of the recording, in the notation of the replay command
}

// isSilence reports whether the record is about the end of a silence.
func (r *Record) isSilence() bool {
	switch r.Kind {
	case "late", "left", "evicted", "replaced", "forgotten":
		return true
	}
	return false
}

func (r *Record) isStall() bool { return r.Kind == "stall" || r.Kind == "gap" }

// check checks the fields that depend on each other.
func (r *Record) check() error {
	switch {
	case r.At.IsZero():
		return errors.New("no time")
	case r.isSilence() && (r.ID == "" || r.LastContact.IsZero() || r.LastContact.After(r.At) || r.History.Interval <= 0):
		return errors.New("a silence without id, last contact or interval")
	case r.isStall() && (r.From.IsZero() || !r.From.Before(r.At) || r.Limit <= 0):
		return errors.New("a stall without begin, length or limit")
	}
	return nil
}

// checkVersion returns why a log of version v cannot be read.
func checkVersion(v int64) error {
	if v != Version {
		return fmt.Errorf("the log has version %d of the format; this package reads version %d", v, Version)
	}
	return nil
}
