#include "lib/rpc/lanes.h"

#include <stddef.h>
#include <string.h>

/* So many handlers a method leaves to the others, or a quarter of few. */
#define LEFT_TO_OTHERS 4

void lanes_init(struct lanes *lanes, unsigned most, unsigned most_running)
{
    memset(lanes, 0, sizeof(*lanes));
    lanes->most = most;
    lanes->most_running = most_running;
    lanes->most_of_method =
        most_running - (most_running / 4 < LEFT_TO_OTHERS ? most_running / 4 : LEFT_TO_OTHERS);
    pthread_mutex_init(&lanes->lock, NULL);
}

void lanes_release(struct lanes *lanes)
{
    pthread_mutex_destroy(&lanes->lock);
}

/* What follows until lanes_admit() has the lock held. */

/* The lane's turn comes after those of all that have one now. */
static void queue_lane(struct lanes *lanes, struct lane *lane)
{
    lane->queued = true;
    lane->next_turn = NULL;
    *(lanes->first_turn != NULL ? &lanes->last_turn->next_turn : &lanes->first_turn) = lane;
    lanes->last_turn = lane;
}

static void append_waiting(struct lanes *lanes, struct lane_entry *entry)
{
    struct lane *lane = entry->lane;
    lanes->waiting++;
    if (!lane->queued)
        queue_lane(lanes, lane);
    entry->state = LANE_WAITING;
    entry->next_waiting = NULL;
    entry->last_waiting = lane->last;
    if (lane->last != NULL)
        lane->last->next_waiting = entry;
    else
        lane->first = entry;
    lane->last = entry;
}

static void remove_waiting(struct lanes *lanes, struct lane_entry *entry)
{
    struct lane *lane = entry->lane;
    lanes->waiting--;
    if (entry->next_waiting != NULL)
        entry->next_waiting->last_waiting = entry->last_waiting;
    else
        lane->last = entry->last_waiting;
    if (entry->last_waiting != NULL)
        entry->last_waiting->next_waiting = entry->next_waiting;
    else
        lane->first = entry->next_waiting;
}

static void count_in(struct lanes *lanes, struct lane *lane, struct lane_entry *entry)
{
    entry->state = LANE_ARRIVING;
    entry->lane = lane;
    entry->newer = NULL;
    entry->older = lane->newest;
    if (lane->newest != NULL)
        lane->newest->newer = entry;
    lane->newest = entry;
    lane->count++;
    lanes->count++;
}

static void count_out(struct lanes *lanes, struct lane_entry *entry)
{
    struct lane *lane = entry->lane;
    if (lane == NULL)
        return;
    if (entry->newer != NULL)
        entry->newer->older = entry->older;
    else
        lane->newest = entry->older;
    if (entry->older != NULL)
        entry->older->newer = entry->newer;
    lane->count--;
    lanes->count--;
    entry->lane = NULL;
}

static struct lane *fullest(struct lanes *lanes)
{
    struct lane *most = &lanes->lanes[0];
    for (size_t i = 1; i < LANES; i++)
        if (lanes->lanes[i].count > most->count)
            most = &lanes->lanes[i];
    return most;
}

/* Takes the newest call that can be taken away from the lane. Returns it if it waited. */
static struct lane_entry *drop_newest(struct lanes *lanes, struct lane *lane)
{
    struct lane_entry *entry = lane->newest;
    while (entry != NULL && entry->state == LANE_RUNNING)
        entry = entry->older;
    if (entry == NULL)
        return NULL;
    bool waited = entry->state == LANE_WAITING;
    if (waited)
        remove_waiting(lanes, entry);
    count_out(lanes, entry);
    (void)grpc_call_cancel_with_status(entry->grpc, GRPC_STATUS_RESOURCE_EXHAUSTED,
                                       "too many calls are open at once: try again later", NULL);
    return waited ? entry : NULL;
}

struct lane_admission lanes_admit(struct lanes *lanes, struct lane_entry *entry, uint64_t number)
{
    struct lane *lane = &lanes->lanes[number % LANES];
    struct lane_admission result = {.admitted = true};
    pthread_mutex_lock(&lanes->lock);
    if (lanes->count >= lanes->most) {
        struct lane *loser = fullest(lanes);
        if (loser->count <= lane->count + 1)
            result.admitted = false;
        else
            result.dropped = drop_newest(lanes, loser);
    }
    if (result.admitted)
        count_in(lanes, lane, entry);
    pthread_mutex_unlock(&lanes->lock);
    return result;
}

bool lanes_wait(struct lanes *lanes, struct lane_entry *entry)
{
    pthread_mutex_lock(&lanes->lock);
    bool counts = entry->lane != NULL;
    if (counts)
        append_waiting(lanes, entry);
    pthread_mutex_unlock(&lanes->lock);
    return counts;
}

/* With the lock held: the lane whose turn it is, taken out of their queue, or NULL. A lane that had
 * to give up all that waited is still queued; one whose method has enough handlers goes to the end.
 */
static struct lane *next_lane(struct lanes *lanes)
{
    struct lane *lane = NULL, *last = lanes->last_turn;
    while (lanes->first_turn != NULL && lane != last) {
        lane = lanes->first_turn;
        lanes->first_turn = lane->next_turn;
        lane->queued = false;
        if (lane->first == NULL)
            continue;
        if (lane->first->method->running < lanes->most_of_method)
            return lane;
        queue_lane(lanes, lane);
    }
    return NULL;
}

/* The first that waits in the lane. With the lock held. */
static struct lane_entry *take_waiting(struct lanes *lanes, struct lane *lane)
{
    struct lane_entry *entry = lane->first;
    remove_waiting(lanes, entry);
    if (lane->first != NULL)
        queue_lane(lanes, lane);
    lanes->running++;
    entry->method->running++;
    entry->state = LANE_RUNNING;
    entry->until = entry->latest;
    return entry;
}

struct lane_entry *lanes_take(struct lanes *lanes)
{
    struct lane *lane = NULL;
    pthread_mutex_lock(&lanes->lock);
    if (lanes->waiting > 0 && lanes->running < lanes->most_running)
        lane = next_lane(lanes);
    struct lane_entry *entry = lane != NULL ? take_waiting(lanes, lane) : NULL;
    pthread_mutex_unlock(&lanes->lock);
    return entry;
}

void lanes_done(struct lanes *lanes, struct lane_method *method)
{
    pthread_mutex_lock(&lanes->lock);
    lanes->running--;
    method->running--;
    pthread_mutex_unlock(&lanes->lock);
}

void lanes_answer(struct lanes *lanes, struct lane_entry *entry, int64_t until)
{
    pthread_mutex_lock(&lanes->lock);
    entry->state = LANE_ANSWERING;
    entry->until = until;
    pthread_mutex_unlock(&lanes->lock);
}

void lanes_leave(struct lanes *lanes, struct lane_entry *entry)
{
    pthread_mutex_lock(&lanes->lock);
    count_out(lanes, entry);
    pthread_mutex_unlock(&lanes->lock);
}

/* A call that waits will have its turn, and whoever takes it sees that it is too late. */
static void cancel_late(struct lane_entry *entry, int64_t now)
{
    static const char *const reasons[] = {
        [LANE_ARRIVING] = "the request did not arrive in time",
        [LANE_WAITING] = NULL,
        [LANE_RUNNING] = "the call took too long",
        [LANE_ANSWERING] = "the reply was not taken in time",
    };
    if (entry->until <= now && reasons[entry->state] != NULL)
        (void)grpc_call_cancel_with_status(entry->grpc, GRPC_STATUS_DEADLINE_EXCEEDED,
                                           reasons[entry->state], NULL);
}

void lanes_sweep(struct lanes *lanes, int64_t now)
{
    pthread_mutex_lock(&lanes->lock);
    for (size_t i = 0; i < LANES; i++)
        for (struct lane_entry *entry = lanes->lanes[i].newest; entry != NULL; entry = entry->older)
            cancel_late(entry, now);
    pthread_mutex_unlock(&lanes->lock);
}
