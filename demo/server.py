"""The page as a public server: what Gradio 6.31 does for each call is cut to what this page needs, and bounded.

Gradio keeps for each session all components with their last values (280 KB and 9 ms for each call), copies and
downloads the files that a caller names, and has one limit for all endpoints together.
"""

import inspect
import time
from collections.abc import Callable

import gradio as gr
import gradio.state_holder
from gradio.context import LocalContext
from gradio.queueing import Event

QUICK, HEAVY = 10, 2  # calls of an endpoint that run at once; those of `generate` share passes
MAX_SESSION = 64  # characters of a session's name, which is kept for some time
MAX_WAITING = {QUICK: 64, HEAVY: 12}  # calls of one endpoint that wait; more are turned away
UNHEARD_SECONDS = 5.0  # after which a waiting call that nobody listens to makes room for another
UNREAD_SECONDS = 600.0  # for which an answer is kept that nobody has read
FORGET_SECONDS = 5.0  # between two looks for sessions to forget
BUSY = "The page is busy: try again in a few seconds."
STOPPING = "The page is about to stop: try again in a minute."
LAST_SECONDS = 0.5  # for the last answers' files to be fetched
STOP_SECONDS = 3.0  # for calls to end when the page stops


def visitor_waits() -> Callable[[], bool]:
    """Return a function for the call that runs now: whether its visitor still waits for the answer."""
    page, event_id = LocalContext.blocks.get(None), LocalContext.event_id.get(None)
    event = page and page._queue.event_ids_to_events.get(event_id)
    return lambda: event is None or event.alive


class Session(gradio.state_holder.SessionState):
    """A session without a copy of the components: nothing on this page is kept for a visitor."""

    def __init__(self, blocks: gr.Blocks):
        self.blocks_config = blocks.default_config
        self.config_values, self.state_data, self._state_ttl = {}, {}, {}
        self.is_closed, self.STATE_TTL_WHEN_CLOSED = False, 3600

    def _update_value_in_config(self, key: int, value: object) -> None:
        """Keep no value."""


class PublicPage(gr.Blocks):
    """The Gradio page. Its endpoints get the values as they were sent, and answer with JSON and files' descriptions.

    See `demo.api.register_endpoint`, which checks the one and writes the other.
    """

    def __init__(self, **options):
        gradio.state_holder.SessionState = Session
        super().__init__(**options)

    def queue(self, **options):
        """Open the queue. See `Blocks.queue`."""
        super().queue(status_update_rate=2, default_concurrency_limit=QUICK, **options)
        queue, self.pushed, self.looked, self.stopping = self._queue, {}, 0.0, False
        queue.ANALYTICS_MAX_EVENTS = 1  # else a table of 10,000 calls is made anew after each
        queue.ANAYLTICS_CACHE_FREQUENCY = 10**12
        queue.sleep_when_free = 0.004  # an idle queue looks 250 times a second for work, not 1,000 times
        push = queue.push

        async def admit(body, request, username):
            if self.stopping:
                return False, STOPPING, "queue_full"
            fn = self.fns.get(body.fn_index)
            if fn is None or fn.fn is None:
                return False, "There is no such endpoint.", "error"
            if len(body.session_hash or "") > MAX_SESSION:
                return False, f"The session's name is too long: it may have {MAX_SESSION} characters.", "error"
            self.forget()
            waiting = queue.event_queue_per_concurrency_id.get(fn.concurrency_id)
            limit = MAX_WAITING.get(fn.concurrency_limit, MAX_WAITING[QUICK])
            if waiting is not None and len(waiting.queue) >= limit:
                for event in [event for event in waiting.queue if self.unheard(event)]:
                    await queue.clean_events(event_id=event._id)
                if len(waiting.queue) >= limit:
                    return False, BUSY, "queue_full"
            answer = await push(body=body, request=request, username=username)
            self.pushed[body.session_hash] = time.monotonic()
            return answer

        queue.push = admit
        return self

    def unheard(self, event: Event) -> bool:
        """Return whether a call has waited for some time and nobody listens for its answer."""
        messages = self._queue.pending_messages_per_session.get(event.session_hash)
        heard = messages is not None and messages._getters
        return not heard and time.monotonic() - event.enqueue_time > UNHEARD_SECONDS

    def forget(self) -> None:
        """Forget the sessions whose calls are answered and read, or were not read for a long time."""
        now, queue = time.monotonic(), self._queue
        if now - self.looked < FORGET_SECONDS:
            return
        self.looked = now
        self.upload_file_set.clear()
        busy = {event.session_hash for event in queue.event_ids_to_events.values()}
        for session, pushed in list(self.pushed.items()):
            messages = queue.pending_messages_per_session.get(session)
            kept = messages is not None and (messages._getters or not messages.empty())
            if session in busy or now - pushed < FORGET_SECONDS or (kept and now - pushed < UNREAD_SECONDS):
                continue
            del self.pushed[session]
            queue.pending_messages_per_session.pop(session, None)
            queue.pending_event_ids_session.pop(session, None)

    def stop(self) -> None:
        """Take no more calls, wait for those that run, and close the server. Takes at most five seconds."""
        self.stopping, end = True, time.monotonic() + STOP_SECONDS
        if self._queue.event_ids_to_events:
            while self._queue.event_ids_to_events and time.monotonic() < end:
                time.sleep(0.05)
            time.sleep(LAST_SECONDS)
        self.server.config.timeout_graceful_shutdown = 1
        self.close(verbose=False)

    async def preprocess_data(self, block_fn, inputs, state, explicit_call=False) -> list:
        """Return the values as they were sent or as their components check them. No file is copied or downloaded."""
        needed = len(block_fn.inputs)
        if len(inputs) < needed:
            names = ", ".join(list(inspect.signature(block_fn.fn).parameters)[:needed])
            sentence = f"{len(inputs)} values came: it must be {needed}: {names}."
            raise gr.Error(sentence, duration=8, print_exception=False)
        if not block_fn.preprocess:
            return list(inputs[:needed])
        return [block.preprocess(value) for block, value in zip(block_fn.inputs, inputs, strict=False)]

    async def postprocess_data(self, block_fn, predictions, state) -> list:
        """Return what an endpoint has answered, one value for each output."""
        return list(predictions) if len(block_fn.outputs) > 1 else [predictions]
