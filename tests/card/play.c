/* Plans are counted down as commands come; the first that is due is taken. */
#include "tests/card/play.h"

#include <string.h>

SealCardPlay *
seal_card_play_new(SealCard *card)
{
    SealCardPlay *play = g_new0(SealCardPlay, 1);

    play->card = card;
    play->faults = g_array_new(FALSE, FALSE, sizeof(SealFault));
    play->answers = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    return play;
}

void
seal_card_play_plan(SealCardPlay *play, SealFault fault)
{
    if (fault.answer != NULL)
        g_ptr_array_add(play->answers, g_bytes_ref(fault.answer));
    g_array_append_val(play->faults, fault);
}

SealFault
seal_card_play_note(SealCardPlay *play, guint8 ins)
{
    SealFault due = {SEAL_FAULT_NONE};

    play->counts[ins]++;
    play->count++;
    for (guint i = 0; i < play->faults->len; i++) {
        SealFault *fault = &g_array_index(play->faults, SealFault, i);

        if (fault->ins >= 0 && fault->ins != ins)
            continue;
        if (fault->nth > 1) {
            fault->nth--;
        } else if (due.kind == SEAL_FAULT_NONE) {
            due = *fault;
            if (fault->nth == 1)
                g_array_remove_index(play->faults, i--);
        }
    }
    return due;
}

void
seal_card_play_forget(SealCardPlay *play, gboolean all)
{
    memset(play->counts, 0, sizeof play->counts);
    play->count = 0;
    if (!all)
        return;
    g_array_set_size(play->faults, 0);
    play->slow_ms = 0;
}

void
seal_card_play_free(SealCardPlay *play)
{
    if (play == NULL)
        return;
    seal_card_free(play->card);
    g_array_unref(play->faults);
    g_ptr_array_unref(play->answers);
    g_free(play);
}
