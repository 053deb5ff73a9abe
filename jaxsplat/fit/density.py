"""stub"""
def control(state, step, config, extent, key):
    return state
