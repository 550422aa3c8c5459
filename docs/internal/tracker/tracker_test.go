package tracker

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
)

func announce(t *testing.T, s *Tracker, worker string) {
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/?worker="+worker, nil))
	require.Equal(t, http.StatusOK, answer.Code)
}

func TestTheTaskOfASilentWorkerIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(nil) // in a bubble, the system clock is that of the bubble
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go s.Run(ctx)

		announce(t, s, "a")
		s.Give("a", "build")
		time.Sleep(2 * Interval) // returns at once
		synctest.Wait()          // until Run has swept, and the cleanup has ended
		require.Empty(t, s.Queue(), "it is evicted after, not at, 2 x interval")
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		require.Equal(t, []string{"build"}, s.Queue())
	})
}

func TestTheTaskIsTakenBackOnAMock(t *testing.T) {
	mock := clock.NewMock()
	s, err := New(mock)
	require.NoError(t, err)
	announce(t, s, "a")
	s.Give("a", "build")

	mock.Add(2*Interval + 1)
	s.workers.Sweep(t.Context()) // evicts a, and waits for its cleanup
	require.Equal(t, []string{"build"}, s.Queue())
}
