"""Speed, shown: each module measures one promise beside its named peer or physical limit, in one run."""

from reprise.threads import use_one_thread_by_default

use_one_thread_by_default()  # as every command does, before numpy is imported
