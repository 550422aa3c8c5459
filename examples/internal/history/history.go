// Package history is the record that each process of a cluster keeps of what it does, for a checker
// that reads it when all is over.
//
// A history is a file with one JSON object in each line: an [Entry]. Times are those of
// CLOCK_MONOTONIC, which all processes of a machine share. So histories of one machine can be
// compared, whatever the wall clock does.
package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// A Kind says what an entry is about.
type Kind string

// The kinds of entries of a scheduler.
const (
	Contact  Kind = "contact"  // it acknowledged a contact of Host between Began and At
	Left     Kind = "left"     // it acknowledged a leave of Host
	Joined   Kind = "joined"   // its registry has a registration
	Departed Kind = "departed" // its registry shows a departure: see How
	Missed   Kind = "missed"   // it could not follow its registry: the history has a gap
	View     Kind = "view"     // Hosts are all registrations of its registry
	Put      Kind = "put"      // it asks the engine to write a batch: see Number
	Wrote    Kind = "wrote"    // the answer to the Put with the same Number: see Err
	Seen     Kind = "seen"     // it has read changes of the table
	Snapshot Kind = "snapshot" // it has read a snapshot since Began, and Writes has all records
	Back     Kind = "back"     // it was told that the table may have lost changes
	Cleaning Kind = "cleaning" // it begins the shared cleanup of a registration
	Cleaned  Kind = "cleaned"  // that cleanup has returned: see Err
	Stalled  Kind = "stalled"  // it has not run from Began to At: it was frozen, or the machine was busy
)

// The kinds of entries of a process that is one or many hosts.
const (
	Told    Kind = "told"    // an announce of Host, sent at Began, was acknowledged by Peer
	Leaving Kind = "leaving" // Host is about to leave
	Gone    Kind = "gone"    // its leave was acknowledged by Peer
)

// The kinds of entries of the program that runs all processes, and attacks them.
const (
	Started   Kind = "started"   // Process is a scheduler, and listens on Peer
	Killed    Kind = "killed"    // Process got SIGKILL at Began, and has ended
	Disturbed Kind = "disturbed" // from now on Process is frozen or out of touch: see Note
	Restored  Kind = "restored"  // that is over
	Lost      Kind = "lost"      // the engine has lost the writes from Began on; with a Note, some of them
	Died      Kind = "died"      // the process of Host got SIGKILL at Began, and has ended
	Rest      Kind = "rest"      // all is at rest. Hosts has the hosts that are alive
)

// Engine is the Process of what happens to the engine.
const Engine = "engine"

// Start is the first entry of each process, and names it.
const Start Kind = "start"

// An Entry is a line of a history. Only the fields that its kind needs are set.
type Entry struct {
	Kind  Kind  `json:"kind"`
	At    int64 `json:"at"`              // when it was written down, in ns
	Began int64 `json:"began,omitempty"` // when what is written down began

	Process string `json:"process,omitempty"`
	Peer    string `json:"peer,omitempty"` // the address of the other side

	Host         string `json:"host,omitempty"`
	Registration uint64 `json:"registration,omitempty"`
	Incarnation  uint64 `json:"incarnation,omitempty"`

	How     string `json:"how,omitempty"`     // the kind of departure
	Decided int64  `json:"decided,omitempty"` // the time of the departure
	Due     int64  `json:"due,omitempty"`     // the deadline of the host, or 0
	Last    int64  `json:"last,omitempty"`    // the last contact that the evidence names
	Timeout int64  `json:"timeout,omitempty"` // in ns
	Stall   int64  `json:"stall,omitempty"`   // the stalls that do not count as silence, in ns
	Held    int64  `json:"held,omitempty"`    // how long it was held after it was due, in ns
	Judged  string `json:"judged,omitempty"`  // the reason, if not silence

	Number uint64  `json:"number,omitempty"`
	Writes []Write `json:"writes,omitempty"`
	Epoch  string  `json:"epoch,omitempty"`

	Hosts map[string]uint64 `json:"hosts,omitempty"`
	Owed  int               `json:"owed,omitempty"` // shared cleanups that are not done
	Err   string            `json:"err,omitempty"`
	Note  string            `json:"note,omitempty"` // for people
}

// A Write is one change of the table, without its content.
type Write struct {
	Key      string `json:"key"`
	Revision uint64 `json:"revision,omitempty"`
	Expect   uint64 `json:"expect,omitempty"`
	Version  uint64 `json:"version,omitempty"`
	Previous uint64 `json:"previous,omitempty"`
	Deleted  bool   `json:"deleted,omitempty"`
}

// A Log writes a history. A nil Log writes nothing. All methods may be called concurrently.
//
// Each entry is one write to the file, and Add returns after it. So all that was added before a
// SIGKILL is in the file: the page cache of the kernel outlives the process. That is why a Log has
// no buffer of its own. The write takes a few microseconds, and the histories of a cluster have
// some thousand entries a second.
type Log struct{ file *os.File }

// Create creates a history whose first entry has the name of the process.
func Create(name, process string) (*Log, error) {
	if !supported {
		return nil, errors.New("a history needs CLOCK_MONOTONIC of Linux")
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	l := &Log{f}
	l.Add(Entry{Kind: Start, Process: process})
	return l, nil
}

// Add adds an entry, and sets its time if it has none. It panics if that is not possible: a history
// with a gap proves nothing.
func (l *Log) Add(e Entry) {
	if l == nil {
		return
	}
	if e.At == 0 {
		e.At = Now()
	}
	line, err := json.Marshal(&e)
	if err == nil {
		_, err = l.file.Write(append(line, '\n'))
	}
	if err != nil {
		panic(fmt.Errorf("the history has a gap: %w", err))
	}
}

// Close closes the file.
func (l *Log) Close() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}

// Read returns all entries of a history. The last line may be incomplete: it is left out.
func Read(name string) ([]Entry, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return decode(f, name)
}

func decode(r io.Reader, name string) (entries []Entry, err error) {
	lines := bufio.NewReaderSize(r, 1<<16)
	for {
		line, err := lines.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF):
			return entries, nil
		case err != nil:
			return nil, err
		}
		var e Entry
		if err := json.Unmarshal(bytes.TrimSpace(line), &e); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", name, len(entries)+1, err)
		}
		entries = append(entries, e)
	}
}
