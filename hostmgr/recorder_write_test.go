package hostmgr_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

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

// The first write of a log fails. The log gets its begin all the same.
func TestTheBeginOfALogIsNotLost(t *testing.T) {
	var log bytes.Buffer
	writes := 0
	s := newScript(t, hostmgr.Config[string]{Recorder: writeFunc(func(b []byte) (int, error) {
		if writes++; writes == 1 {
			return 0, errors.New("not mounted yet")
		}
		return log.Write(b)
	})})
	for _, id := range []string{"a", "b", "c"} {
		s.join(id)
		s.after(0)
	}
	records, _ := readLog(t, log.String())
	require.Equal(t, "begin", records[0].Kind)
	for _, r := range records {
		require.Equal(t, s.clock.Now().UTC(), r.At)
	}
	require.Equal(t, 1, strings.Count(log.String(), "begin"))
}

// A Sweep by hand is still writing when Run begins, and when Run ends. No record is left.
func TestAWriteOfASweepOutlastsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log syncLog
		var once sync.Once
		in, out := make(chan struct{}), make(chan struct{})
		r, err := hostmgr.New(hostmgr.Config[string]{Recorder: writeFunc(func(b []byte) (int, error) {
			once.Do(func() { close(in); <-out })
			return log.Write(b)
		})})
		require.NoError(t, err)
		join := func(id string) {
			_, err := r.Announce(hostmgr.Announcement[string]{ID: id})
			require.NoError(t, err)
		}
		join("a")
		go r.Sweep(context.Background())
		<-in
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error)
		go func() { ran <- r.Run(ctx) }()
		synctest.Wait()
		join("b")
		cancel()
		synctest.Wait()
		select {
		case <-ran:
			t.Fatal("Run returned while a Write was under way")
		default:
		}
		close(out)
		require.NoError(t, <-ran)
		require.Contains(t, log.String(), `id="b"`)
	})
}
