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
	"github.com/hostlife/hostlife/hostmgr"
)

func announce(t *testing.T, s *Tracker, query string) {
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/?"+query, nil))
	require.Equal(t, http.StatusOK, answer.Code)
}

func TestTheTasksOfASilentWorkerAreTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(nil) // in a bubble, the system clock is that of the bubble
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go s.Run(ctx)

		announce(t, s, "worker=a&incarnation=1")
		require.NoError(t, s.Give("a", "build"))
		time.Sleep(2 * Interval) // returns at once
		synctest.Wait()          // until Run has swept, and the cleanup has ended
		require.Empty(t, s.Queue(), "it is evicted after, not at, 2 x interval")
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		require.Equal(t, []string{"build"}, s.Queue())
	})
}

func TestTheTasksAreTakenBackOnAMock(t *testing.T) {
	mock := clock.NewMock()
	s, err := New(mock)
	require.NoError(t, err)
	announce(t, s, "worker=a&incarnation=1")
	require.NoError(t, s.Give("a", "build"))
	require.NoError(t, s.Give("a", "test"))

	mock.Add(2*Interval + 1)
	s.workers.Sweep(t.Context()) // evicts a, and waits for its cleanup
	require.Equal(t, []string{"build", "test"}, s.Queue())
	require.ErrorIs(t, s.Give("a", "deploy"), hostmgr.ErrUnknownHost)
}

func TestTheTasksOfAWorkerThatRestartsAreTakenBack(t *testing.T) {
	s, err := New(clock.NewMock())
	require.NoError(t, err)
	announce(t, s, "worker=a&incarnation=1")
	require.NoError(t, s.Give("a", "build"))

	announce(t, s, "worker=a&incarnation=2") // a new process, within the timeout
	require.NoError(t, s.Give("a", "test"))
	s.workers.Sweep(t.Context()) // waits for the cleanup of the former process
	require.Equal(t, []string{"build"}, s.Queue(), "the new process keeps its task")
}

func TestAnAnnounceThatIsRefused(t *testing.T) {
	s, err := New(nil)
	require.NoError(t, err)
	for _, query := range []string{"", "worker=a", "worker=a&incarnation=x", "incarnation=1"} {
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/?"+query, nil))
		require.Equal(t, http.StatusBadRequest, answer.Code, query)
	}
}
