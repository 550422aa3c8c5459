package hostmgr_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/flight"
)

// readLog returns the records of a log, and the number of lines that are not records.
func readLog(t *testing.T, log string) (records []flight.Record, bad int) {
	t.Helper()
	for r, err := range flight.Read(strings.NewReader(log)) {
		if err != nil {
			bad++
			continue
		}
		records = append(records, r)
	}
	return records, bad
}

// A write fails in the middle of a line. The next record begins on a new line.
func TestRecordsAfterAWriteThatFailed(t *testing.T) {
	for _, short := range []bool{false, true} {
		var log bytes.Buffer
		var s *script
		writes := 0
		s = newScript(t, hostmgr.Config[string]{Recorder: writeFunc(func(b []byte) (int, error) {
			if writes++; writes != 2 {
				return log.Write(b)
			}
			s.join("b") // a writer may call the registry
			n, _ := log.Write(b[:len(b)-5])
			if short {
				return n, nil
			}
			return n, errors.New("no space left")
		})})
		s.join("first")
		s.after(0)
		s.join("a")
		s.after(0)
		s.after(0)
		records, bad := readLog(t, log.String())
		require.Equal(t, 1, bad)
		require.Equal(t, "b", records[len(records)-1].ID)
		require.EqualValues(t, 2, s.Stats().Recorder.Records)
		require.EqualValues(t, 1, s.Stats().Recorder.Lost)
		require.EqualValues(t, 1, s.Stats().Recorder.Failures)
	}
}
