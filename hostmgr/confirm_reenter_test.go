package hostmgr_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// Confirm calls the registry about its own hosts, by its own context and by another one. Calls of
// Confirm do not nest, and none of them hangs.
func TestConfirmMayCallTheRegistry(t *testing.T) {
	for name, of := range map[string]func(context.Context) context.Context{
		"its context": func(ctx context.Context) context.Context { return ctx },
		"another one": func(context.Context) context.Context { return context.Background() },
	} {
		for _, driven := range []bool{true, false} {
			t.Run(name+", Run "+strconv.FormatBool(driven), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var r *hostmgr.Registry[string]
					var depth, deepest, cleaned atomic.Int32
					r, err := hostmgr.New(hostmgr.Config[string]{
						Cleanup: func(context.Context, hostmgr.Departure[string]) error {
							cleaned.Add(1)
							return nil
						},
						Confirm: func(ctx context.Context, due hosts) (hosts, error) {
							deepest.Store(max(deepest.Load(), depth.Add(1)))
							defer depth.Add(-1)
							ctx = of(ctx)
							for i, h := range due {
								switch i % 5 {
								case 0:
									r.Sweep(ctx)
								case 1:
									if err := r.Leave(ctx, h.ID, 0); err != nil {
										t.Error(err)
									}
								case 2:
									joins(t, r, h.ID)
								case 3:
									if err := r.Forget(h.ID, 0); err != nil {
										t.Error(err)
									}
								}
							}
							return due, nil
						},
					})
					require.NoError(t, err)
					const many = 1000
					for i := range many {
						joins(t, r, strconv.Itoa(i))
					}
					if driven {
						stop := run(t, r)
						time.Sleep(2*second + 2)
						synctest.Wait()
						stop()
					} else {
						time.Sleep(2*second + 2)
						r.Sweep(t.Context())
					}
					s := r.Stats()
					require.EqualValues(t, 1, deepest.Load())
					require.InDelta(t, many/5, r.Len(), 1, "those that announced themselves")
					require.InDelta(t, many/5, s.Departures.Left, 1)
					require.InDelta(t, many/5, s.Departures.Forgotten, 1)
					require.InDelta(t, many*2/5, s.Departures.Evicted, 2)
					require.Equal(t, s.Departures.Left+s.Departures.Evicted, uint64(cleaned.Load()))
					require.Zero(t, s.Held+s.Confirm.Waiting+s.Confirm.Asked)
				})
			})
		}
	}
}
